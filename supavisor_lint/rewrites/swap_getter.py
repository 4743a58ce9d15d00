"""SUP103: the session helper in the place of a raw getter, or of a dependency that is taken apart by hand.

Always unsafe: nobody has committed such a session, or closed it, so the helper changes what becomes of its work.
"""

from __future__ import annotations

from supavisor_lint.facts.file import FileFacts, enclosing_function
from supavisor_lint.facts.handlers import own_nodes, own_nodes_in
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import Assign, For, FunctionDef, If, Return, Simple, While, WithItem
from supavisor_lint.facts.tree import Attribute, Await, Call, Expr, Name, Other
from supavisor_lint.findings import Edit, Finding, Fix, Span
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.results import yielded
from supavisor_lint.project.values import GeneratorValue, Session
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.helpers import Helper, helper_for, require_its_part
from supavisor_lint.rewrites.imports import bind_instead
from supavisor_lint.rewrites.session_escape import refuse_escape
from supavisor_lint.rewrites.session_life import Life, life_of_session
from supavisor_lint.rewrites.swap_factory import swap
from supavisor_lint.rewrites.swap_safety import doubt


def propose(context: Context, finding: Finding) -> Fix:
    """Open the session with the helper, for the statements that use it, or instead of the loop that is left early."""
    opening = context.node(finding, Expr)
    if isinstance(opening.parent, For) and isinstance(opening, Call):
        return _instead_of_loop(context, opening, opening.parent)
    session = context.ev.only(context.file, opening)
    if not isinstance(session, Session):
        raise NoFix("what the session comes from is not known to be one getter and nothing else")
    getter = _getter(opening)
    if session.source == "getter":
        _refuse_work(context, context.file, getter)
    life = life_of_session(context, opening)
    refuse_escape(context, life)
    helper = _helper(context, session)
    doubtful = doubt(context, life, helper, session) or "no helper commits or closes the session that it gives now"
    return swap(context, life, helper, getter.func, doubtful, session)


def _refuse_work(context: Context, file: FileFacts, getter: Call, depth: int = 3) -> None:
    """Raise NoFix where a getter, or one that it asks, does more with its session than to return it."""
    for function in functions_called(context.ev, file, getter):
        for node in own_nodes_in(function.node):
            if isinstance(node, Name) and _is_session(context, function.file, node) and _is_worked_with(node):
                name, line = function.node.name, node.span.line
                raise NoFix(
                    f"`{name}()` works with the session before it returns it (line {line}), which would be lost"
                )
            if isinstance(node, Call) and depth and _is_getter(context, function.file, node):
                _refuse_work(context, function.file, node, depth - 1)


def _is_session(context: Context, file: FileFacts, expr: Expr) -> bool:
    return any(isinstance(value, Session) for value in context.ev.values(file, expr))


def _is_worked_with(name: Name) -> bool:
    """Whether a read does more than to return, bind or look at what it is."""
    return not isinstance(name.parent, Return | Assign | WithItem | Other | If)


def _is_getter(context: Context, file: FileFacts, call: Call) -> bool:
    given = call.parent if isinstance(call.parent, Await) else call
    return _is_session(context, file, given)


def _helper(context: Context, session: Session) -> Helper:
    helper = helper_for(context, context.view.follower.openings.factory(session))
    require_its_part(context, helper)
    return helper


def _getter(opening: Expr) -> Call:
    """The call of the getter or dependency: of `await getter()`, `await anext(dependency())`, `getter()`."""
    call = opening.value if isinstance(opening, Await) else opening
    if isinstance(call, Call) and isinstance(call.func, Name) and call.func.id == "anext" and call.args:
        call = call.args[0].value
    elif isinstance(call, Call) and isinstance(call.func, Attribute) and call.func.attr == "__anext__":
        call = call.func.value
    if not isinstance(call, Call):
        raise NoFix("the generator is kept in a variable, and maybe closed by hand: open the session helper instead")
    return call


# -------------------------------------------------------------------------------------------- a loop that runs once


def _instead_of_loop(context: Context, call: Call, loop: For) -> Fix:
    """`async for session in dependency():` becomes `async with helper() as session:`, where its body runs once."""
    function = enclosing_function(loop)
    if function is None or not isinstance(loop.target, Name):
        raise NoFix("the loop gives the session no plain name")
    if loop.orelse:
        raise NoFix("the loop has an `else`, which a block has not")
    last = _refuse_jumps(loop)
    refuse_escape(context, Life(call, loop.target.id, function, (loop,)))
    helper = _helper(context, _given(context, call))
    bound = bind_instead(context, helper, call.func)
    head = Span(*loop.span.start, *context.source.end_of_expression(call))
    if "#" in context.source.at(head) or head.line != head.end_line:
        raise NoFix(f"the head of the loop has an unusual form (line {head.line})")
    edits = [Edit(head, f"async with {bound.expression}() as {loop.target.id}"), *bound.edits]
    if last is not None:
        edits += context.remove(last)
    title = f"Open the session with `{bound.expression}()` instead of the loop: what it has written would be committed"
    return context.fix("unsafe", title, edits)


def _given(context: Context, call: Call) -> Session:
    made = context.ev.only(context.file, call)
    found = yielded(context.ev, made.function) if isinstance(made, GeneratorValue) else ()
    session = next((value for value in found if isinstance(value, Session)), None)
    if session is None:
        raise NoFix("the session that the dependency gives is not known")
    return session


def _refuse_jumps(loop: For) -> Simple | None:
    """The `break` that ends the body, which a block does not need; raises NoFix for any other jump of the loop."""
    last = loop.body[-1] if len(loop.body) > 1 else None
    ending = last if isinstance(last, Simple) and last.keyword == "break" else None
    for node in own_nodes(loop.body):
        is_jump = isinstance(node, Simple) and node.keyword in ("break", "continue")
        if is_jump and node is not ending and _loop_of(node) is loop:
            raise NoFix(f"line {node.span.line} leaves the loop, which has no counterpart in a block")
    return ending


def _loop_of(node: Node) -> Node | None:
    parent = node.parent
    while parent is not None and not isinstance(parent, For | While | FunctionDef):
        parent = parent.parent
    return parent
