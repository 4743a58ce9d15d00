"""A session is taken from a raw getter or a dependency instead of the session helper.

## What it finds
`await get_session()` where `get_session` is a coroutine (or a plain function) that returns a session, `await
anext(dependency())` and `await dependency().__anext__()`, and `async for session in dependency():` whose body leaves
the loop with `break` or `return`. What a name means is read from its definition, not from its spelling.

## Why it matters
A raw session is committed, rolled back and closed by hand, or not at all. A dependency that is taken apart by hand is
worse: with `anext` the generator is collected while the session is in use and closes it concurrently; a loop that is
left early never runs the generator's commit, so that a write is lost without an error; only one in a `finally` runs,
later. These broken forms are also reported in the profile "hazards", unless the session is certainly not used: a test
that asks what class it is of.

## Example
```python
session = await get_session()          # a coroutine that returns async_session_factory()
job = await session.get(Job, job_id)
```

## Use instead
```python
async with get_session() as session, session.begin():   # a helper: it commits, rolls back and closes
    job = await session.get(Job, job_id)
```

## Fix safety
Unsafe: the helper commits and closes a session that no helper has committed or closed. It is opened for the statements
that use the session; a loop over a dependency becomes a block where its body runs once. There is no fix where a loop
goes on, or is left by a `break` in its middle, where the generator is kept in a variable and closed by hand, where the
getter itself works with the session, and where the session is returned, kept, captured, given to a task or used
elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import enclosing_function, nodes_of_kind, scope_of, walk
from supavisor_lint.facts.handlers import own_nodes
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import Assign, ExprStmt, For, FunctionDef, Return, Simple, While
from supavisor_lint.facts.tree import Argument, Attribute, Await, Block, Call, Expr, Name, Other
from supavisor_lint.findings import Finding
from supavisor_lint.flow.events import LostWrite
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.names import is_what_it_says
from supavisor_lint.project.results import yielded
from supavisor_lint.project.values import FunctionValue, GeneratorValue, Session
from supavisor_lint.rules.base import FileView, Rule

_LOOKS = frozenset({"isinstance", "type", "id", "hasattr"})


def detect(view: FileView) -> Iterator[Finding]:
    """Awaited and plain getters, generators taken apart, loops left early."""
    for call in view.session_calls:
        if view.may_open_sessions(call) or not _is_known(view, call):
            continue
        parent = call.parent
        if isinstance(parent, Await):
            yield from _awaited(view, parent, call)
        elif isinstance(parent, For) and parent.is_async and parent.iter is call:
            yield from _iterated(view, parent, call)
        else:
            yield from _plain(view, call)


def _is_known(view: FileView, call: Call) -> bool:
    """Whether the called function is what its `def` says: no decorator that nobody knows."""
    callee = view.ev.only(view.file, call.func)
    return not isinstance(callee, FunctionValue) or is_what_it_says(view.ev, callee)


def _awaited(view: FileView, node: Await, call: Call) -> Iterator[Finding]:
    session = view.ev.only(view.file, node)
    if not isinstance(session, Session) or isinstance(node.parent, ExprStmt):
        return
    if session.source == "getter":
        yield _finding(view, node, call, _raw(call))
    elif session.source == "dependency":
        generator = _kept_generator(node)
        if generator is not None:
            what, hazard = "whose `aclose()` commits nothing", _loses_a_write(generator.body, _target(node))
        elif _is_looked_at_only(node) and not _has_worked(session):
            what, hazard = "which closes it when it is collected", False  # without a connection that does no harm
        else:
            what, hazard = "which then closes it while it is in use", True
        message = f"`{_name(call)}` takes a session out of a dependency's generator, {what}"
        yield _finding(view, node, call, message, hazard=hazard)


def _kept_generator(node: Await) -> FunctionDef | None:
    """`generator = dependency()`, then `await anext(generator)`: the function that keeps it, and may close it."""
    taken = node.value.args[0].value if isinstance(node.value, Call) and node.value.args else None
    if taken is None and isinstance(node.value, Call) and isinstance(node.value.func, Attribute):
        taken = node.value.func.value
    return enclosing_function(node) if isinstance(taken, Name) else None


def _is_looked_at_only(node: Await) -> bool:
    """Whether nobody does anything with what is taken: a test that just asks what class it is of."""
    if _is_look(node):
        return True
    target, function = _target(node), enclosing_function(node)
    if not isinstance(target, Name) or function is None or scope_of(target).lookup(target.id) is not function.scope:
        return False
    named = (name for name in nodes_of_kind(function, Name) if name.id == target.id)
    return all(_is_look(name) or (isinstance(name.parent, Assign) and name in name.parent.targets) for name in named)


def _is_look(expr: Expr) -> bool:
    """`isinstance(session, AsyncSession)`, `session is None`, `session == other`."""
    parent = expr.parent
    if isinstance(parent, Argument) and isinstance(parent.parent, Call):
        call = parent.parent
        return isinstance(call.func, Name) and call.func.id in _LOOKS and parent is call.args[0]
    return isinstance(parent, Other) and parent.op in ("is", "is not", "==", "!=")


def _has_worked(session: Session) -> bool:
    """Whether a dependency may have used its session before it gives it."""
    definition = session.definition
    if not isinstance(definition, FunctionValue):
        return True
    for given in definition.node.yields:
        if not isinstance(given.value, Name):
            return True
        awaited = (node for node in nodes_of_kind(definition.node, Await) if node.order < given.order)
        if any(_is_name(part, given.value.id) for node in awaited for part in walk(node) if isinstance(part, Name)):
            return True
    return False


def _target(node: Await) -> Expr | None:
    assign = node.parent
    return assign.targets[0] if isinstance(assign, Assign) else None


def _plain(view: FileView, call: Call) -> Iterator[Finding]:
    callee = view.ev.only(view.file, call.func)
    session = view.ev.only(view.file, call)
    if isinstance(callee, FunctionValue) and isinstance(session, Session) and session.source == "getter":
        yield _finding(view, call, call, _raw(call))


def _raw(call: Call) -> str:
    return f"`{_name(call)}` returns a raw session, which no helper commits, rolls back or closes"


def _iterated(view: FileView, loop: For, call: Call) -> Iterator[Finding]:
    made = view.ev.only(view.file, call)
    if not isinstance(made, GeneratorValue) or not any(isinstance(v, Session) for v in yielded(view.ev, made.function)):
        return
    leaving = next(_leaving(loop), None)
    if leaving is None:
        return
    if view.follower.openings.commits_when_left(Session("dependency", made.function)):
        what, hazard = "runs only when its generator is collected", False
    else:
        hazard = _is_hazard(view, loop)
        what = f"does not run then, {_cost(view, loop, hazard)}"
    message = (
        f"the loop over `{_name(call)}` is left early (line {leaving.span.line}): the dependency's code after its "
        f"`yield` {what}"
    )
    yield _finding(view, call, call, message, hazard=hazard)


def _cost(view: FileView, loop: For, is_lost: bool) -> str:
    """What it costs that a dependency's code does not run behind a loop."""
    if is_lost:
        return "uncommitted writes are lost"
    function = enclosing_function(loop)
    trace = view.follower.trace(view.file, function) if function is not None else None
    if trace is None or not trace.complete or _is_handed_on(view, loop):
        return "uncommitted writes may be lost"
    return "its generator is closed only when it is collected"


def _is_handed_on(view: FileView, loop: For) -> bool:
    """Whether something that nobody here can read gets the session, and may write with it."""
    calls = (
        node
        for node in own_nodes(loop.body)
        if isinstance(node, Call) and not functions_called(view.ev, view.file, node)
    )
    given = (argument for call in calls for argument in call.args if not _is_look(argument.value))
    return isinstance(loop.target, Name) and any(_is_name(argument.value, loop.target.id) for argument in given)


def _is_hazard(view: FileView, loop: For) -> bool:
    """Whether a write is certainly lost where a loop is left."""
    function = enclosing_function(loop)
    trace = view.follower.trace(view.file, function) if function is not None else None
    if trace is None or not trace.complete or loop.iter not in trace.opened:
        return _loses_a_write(loop.body, loop.target)
    return any(event.sure and loop in event.because for event in trace.of(LostWrite))


def _leaving(loop: For) -> Iterator[Node]:
    """The `return` statements in a loop's body, and the `break`s that leave this loop."""
    for node in own_nodes(loop.body):
        if isinstance(node, Return) or (
            isinstance(node, Simple) and node.keyword == "break" and _loop_of(node) is loop
        ):
            yield node


def _loop_of(node: Node) -> Node | None:
    """The loop that a `break` leaves: one whose `else` it stands in is over by then."""
    parent = node.parent
    while parent is not None and not (isinstance(parent, For | While) and node not in parent.orelse):
        node, parent = parent, parent.parent
    return parent


def _loses_a_write(block: Block, target: Expr | None) -> bool:
    """Whether the session under a name certainly gets something to write that neither a block nor a commit saves."""
    if not isinstance(target, Name):
        return False
    calls = [node for node in own_nodes(block) if isinstance(node, Call)]
    if any(_is_name(argument.value, target.id) for call in calls for argument in call.args):
        return False  # whoever gets the session may commit it
    used = {c.func.attr for c in calls if isinstance(c.func, Attribute) and _is_name(c.func.value, target.id)}
    return not used.isdisjoint({"add", "add_all", "delete", "merge"}) and used.isdisjoint({"commit", "begin"})


def _is_name(expr: Expr, name: str) -> bool:
    return isinstance(expr, Name) and expr.id == name


def _name(call: Call) -> str:
    func: Expr = call.func
    if isinstance(func, Attribute):
        return f"{func.attr}()"
    return f"{getattr(func, 'id', 'call')}()"


def _finding(view: FileView, where: Expr, call: Call, what: str, hazard: bool = False) -> Finding:
    return RULE.at(
        view,
        where,
        f"{what}; open it with `async with` and the session helper",
        related=view.definition_of(call),
        hazard=hazard,
    )


RULE = Rule("SUP103", "raw-session-getter", "error", "hazards for the broken forms", "unsafe", __doc__, detect)
