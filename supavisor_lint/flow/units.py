"""Units of work that open a session of their own: `async with UnitOfWork() as unit:`, then `unit.session`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from supavisor_lint.facts.file import nodes_of_kind
from supavisor_lint.facts.statements import Assign, ClassDef, ExprStmt, FunctionDef, WithItem
from supavisor_lint.facts.tree import Attribute, Await, Call, Expr, Name
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.operations import OPENED_HERE, SessionFlow
from supavisor_lint.project.members import member, self_assignments
from supavisor_lint.project.names import is_what_it_says
from supavisor_lint.project.values import ClassValue, FunctionValue, Instance, Session, Value

_BY_HAND = frozenset({"__aexit__", "__exit__", "aclose", "enter_async_context"})


@dataclass(frozen=True, slots=True)
class Unit:
    """What a `with` item enters: its class, the attribute of its session, and the call that makes that."""

    cls: ClassValue
    attr: str
    made_by: Call
    session: Session


def unit_of(frame: Frame, item: WithItem, values: Sequence[Value]) -> Unit | None:
    """The unit that an item makes, enters and names; None where it may be in other hands as well."""
    made = values[0] if len(values) == 1 else None
    if not isinstance(made, Instance) or not isinstance(made.of, ClassValue):
        return None
    if not isinstance(item.context, Call) or not isinstance(item.target, Name):
        return None
    found = [
        unit for attr, given in self_assignments(made.of.node).items() if (unit := _unit(frame, made.of, attr, given))
    ]
    if len(found) != 1 or not _gives_itself(frame, made) or _hands_its_end_on(made.of.node):
        return None
    name = item.target.id
    uses = [node for node in nodes_of_kind(frame.function, Name) if node.id == name and node is not item.target]
    return found[0] if all(_is_plain(frame, use, made, found[0].attr) for use in uses) else None


def _unit(frame: Frame, cls: ClassValue, attr: str, given: Sequence[tuple[Expr | None, Expr | None]]) -> Unit | None:
    """`self.session = factory()`, and nothing else (`None` aside)."""
    calls = [value for value, _ in given if isinstance(value, Call)]
    session = frame.ev.session(cls.file, calls[0]) if len(calls) == 1 else None
    if session is None or session.source not in OPENED_HERE:
        return None
    return Unit(cls, attr, calls[0], session)


def _hands_its_end_on(cls: ClassDef) -> bool:
    """Whether a class leaves blocks by hand, which may commit: `await self.tx.__aexit__(*about)`, a stack."""
    methods = (method for method in cls.body if isinstance(method, FunctionDef))
    return any(node.attr in _BY_HAND for method in methods for node in nodes_of_kind(method, Attribute))


def _gives_itself(frame: Frame, made: Instance) -> bool:
    enter = [v for v in member(frame.ev, made, "__aenter__") if isinstance(v, FunctionValue)]
    if len(enter) != 1 or not enter[0].node.params or not is_what_it_says(frame.ev, enter[0]):
        return False
    own, results = enter[0].node.params[0].name, enter[0].node.results
    return bool(results) and all(isinstance(result, Name) and result.id == own for result in results)


def _is_plain(frame: Frame, use: Name, made: Instance, session: str) -> bool:
    """Whether a use of the name is its session, or a call of a method that is followed."""
    attribute = use.parent
    if not isinstance(attribute, Attribute):
        return False
    if attribute.attr == session:
        return True
    is_called = isinstance(attribute.parent, Call) and attribute.parent.func is attribute
    found = [v for v in member(frame.ev, made, attribute.attr) if isinstance(v, FunctionValue)]
    return is_called and len(found) == 1 and found[0].bound and is_what_it_says(frame.ev, found[0])


def begins(flow: SessionFlow, cls: ClassValue) -> bool:
    """Whether the `__aenter__` of a class leaves a transaction open, on the one session that it works with.

    Begun by itself and in any case: a condition may not hold, and a called function may end what it begins.
    """
    method = next((n for n in cls.node.body if isinstance(n, FunctionDef) and n.name == "__aenter__"), None)
    is_open = False
    for operation in flow.operations(cls.file, method) if method is not None else ():
        if operation.handler is not None:
            return False
        if operation.kind in ("commit", "rollback", "close") or operation.via is not None:
            is_open = False
        elif operation.block is None and _is_certain(operation.node):
            is_open = is_open or operation.kind in ("begin", "work")
    return is_open


def _is_certain(call: Call) -> bool:
    """Whether a call is awaited whenever its function runs: `await …`, `tx = await …`, under no condition."""
    statement = call.parent.parent if isinstance(call.parent, Await) else None
    return isinstance(statement, Assign | ExprStmt) and isinstance(statement.parent, FunctionDef)
