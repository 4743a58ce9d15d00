"""Sessions that may be None: a parameter's, `session: AsyncSession | None = None`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from supavisor_lint.facts.file import nodes_of_kind, walk
from supavisor_lint.facts.statements import Assign, FunctionDef
from supavisor_lint.facts.tree import Argument, Await, Call, Collection, Expr, Name
from supavisor_lint.flow.condition_texts import is_none
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.operations import OPENED_HERE
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import ANYTHING, SOMETHING, ConstantRef, SessionRef, Tracked

Split: TypeAlias = tuple[list[State], list[State]]


def there_or_none(frame: Frame, subject: Expr, state: State, value: Tracked) -> Split | None:
    """The states in which an expression, of some value, gives a session, and those in which it is None instead.

    None for an expression that gives something else.
    """
    name = subject.id if isinstance(subject, Name) else None
    if isinstance(value, SessionRef):
        if frame.opened[value.site].there:
            return [state], []
        return ([state], [state]) if name is None else _parameter(state, name)
    if name and value == ANYTHING and name not in state.variables and name in replaced(frame):
        return [state.with_variable(name, SOMETHING)], [state.with_variable(name, ConstantRef(None))]
    return None


def _parameter(state: State, name: str) -> Split:
    known = (f"{name} is None", False)  # until the name is bound again
    if known in state.assumed:
        return [state], []
    there = state.but(assumed=tuple(sorted((*state.assumed, known))))
    return [there], [state.with_variable(name, ConstantRef(None))]


def replaced(frame: Frame) -> frozenset[str]:
    """The parameters without a type that are None by default, where the function opens a session then."""
    known = frame.follower.optional
    if frame.function not in known:
        known[frame.function] = frozenset(_find_replaced(frame, frame.function))
    return known[frame.function]


def _find_replaced(frame: Frame, function: FunctionDef) -> Iterator[str]:
    """Those that are bound to one, `session = session or factory()`, or that something is that is bound to one."""
    names = {p.name for p in function.params if p.default is not None and is_none(p.default)}
    assigned = nodes_of_kind(function, Assign) if names else ()
    bound = {name for a in assigned if _opens(frame, a.value) for name in _bound(a)}
    yield from names & bound
    for statement in assigned if bound else ():
        if not bound.isdisjoint(_bound(statement)):
            yield from names & {n.id for n in walk(statement) if isinstance(n, Name) and not _is_argument(n)}


def _bound(statement: Assign) -> Iterator[str]:
    for target in statement.targets:
        for part in target.items if isinstance(target, Collection) else (target,):
            if isinstance(part, Name):
                yield part.id


def _is_argument(name: Name) -> bool:
    """Whether a name is what a call is given: `factory(bind=engine)`."""
    return isinstance(name.parent, Argument)


def _opens(frame: Frame, value: Expr | None) -> bool:
    for node in walk(value) if value is not None else ():
        session = frame.ev.session(frame.file, node) if isinstance(node, Call | Await) else None
        if session is not None and session.source in OPENED_HERE:
            return True
    return False
