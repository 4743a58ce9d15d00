"""SUP303: a commit inside a `begin()` block goes; where work follows it, the block is cut in two there.

Safe only as the last thing that the block does: the block commits at its end. What a `rollback()` or `close()` has
discarded would be saved without it: those stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from supavisor_lint.facts.file import block_of, enclosing_function, walk
from supavisor_lint.facts.handlers import enclosing_tries
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import ExprStmt, For, FunctionDef, If, Raise, Return, Simple, While, With, WithItem
from supavisor_lint.facts.tree import Attribute, Await, Call, Constant, Name, Stmt
from supavisor_lint.findings import Finding, Fix
from supavisor_lint.flow.session_keys import session_key
from supavisor_lint.flow.wording import what
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.phase_calls import refuse_calls
from supavisor_lint.rewrites.phase_effects import Effects
from supavisor_lint.rewrites.phase_handlers import HandlerCheck
from supavisor_lint.rewrites.phase_swallowing import refuse_swallowed
from supavisor_lint.rewrites.session_names import names_of_session

_TITLE = "Remove the commit: the block commits at its end"


def propose(context: Context, finding: Finding) -> Fix:
    """The commit removed, or the block cut in two where the session is used behind it."""
    call = context.node(finding, Call)
    statement = _require_commit(context, call)
    block = _block_around(context, call)
    behind, doubt = _behind(statement, block)
    raised = next((s for s in behind if isinstance(s, Raise)), None)
    if raised is not None:
        raise NoFix(f"line {raised.span.line} raises behind the commit: the block would roll back what it has saved")
    used = _first_use(context, block, behind)
    if used is not None:
        return _cut(context, statement, block, used)
    _refuse_swallowed(context, block)
    doubt = doubt or not _is_last_item(block)
    plain = [s for s in behind if not _does_nothing(s)]
    noticed = next(_noticed(context, block), None)
    if noticed is not None:
        return context.fix("unsafe", f"{_TITLE}; {noticed}", context.remove(statement))
    return context.fix("unsafe" if plain or doubt else "safe", _TITLE, context.remove(statement))


def _noticed(context: Context, block: With) -> Iterator[str]:
    """What tells a commit that has failed inside the block from the block's own: only this one expires objects."""
    function, name = enclosing_function(block), _session_name(block)
    if function is None or name is None:
        return
    check = HandlerCheck(Effects(context, names_of_session(context, function, name)))
    for statement, part in enclosing_tries(block):
        if part == "body":
            yield from check.doubts_about_expiry(statement)


def _require_commit(context: Context, call: Call) -> Stmt:
    """The statement `await session.commit()`; raises NoFix for anything else that ends a transaction."""
    func = call.func
    method = func.attr if isinstance(func, Attribute) else ""
    if method in ("rollback", "close", "reset", "invalidate"):
        raise NoFix(
            f"without the `{method}()` the block would save what it discards now: leave the block by an exception, or "
            "take the statement out of it"
        )
    if method != "commit":
        raise NoFix(f"{what(call)} ends the transaction in its own body: the commit has to go from there")
    statement = context.statement_of(call)
    if (
        not isinstance(statement, ExprStmt)
        or not isinstance(statement.value, Await)
        or statement.value.value is not call
    ):
        raise NoFix("the commit is more than a statement of its own")
    return statement


def _block_around(context: Context, call: Call) -> With:
    """The block that the commit ends: the session's, or the one that the transaction object is of."""
    receiver = call.func.value if isinstance(call.func, Attribute) else call.func
    block = context.view.flow.block_around(context.file, call, session_key(receiver))
    if block is None:
        block = _entered_as(call, receiver)
    if block is None:
        raise NoFix("the block that the commit ends stands in another function")
    return block


def _entered_as(call: Call, receiver: Node) -> With | None:
    """`async with session.begin() as tx:` around `tx.commit()`."""
    parent = call.parent
    while parent is not None and not isinstance(parent, FunctionDef):
        if isinstance(parent, With) and isinstance(receiver, Name):
            for item in parent.items:
                if isinstance(item.target, Name) and item.target.id == receiver.id:
                    func = item.context.func if isinstance(item.context, Call) else None
                    return parent if isinstance(func, Attribute) and func.attr == "begin" else None
        parent = parent.parent
    return None


def _behind(statement: Stmt, block: With) -> tuple[list[Stmt], bool]:
    """The statements that run behind one, up to the end of the block; and whether something around it may notice."""
    behind: list[Stmt] = []
    doubt = False
    child: Node = statement
    while child is not block:
        siblings = block_of(child)
        index = next((i for i, other in enumerate(siblings) if other is child), None)
        if index is not None:
            behind += siblings[index + 1 :]
            if any(isinstance(s, Return | Raise) for s in siblings[index + 1 :]):
                return behind, doubt
        parent = child.parent
        if parent is None or isinstance(parent, For | While):
            raise NoFix("the commit stands in a loop: the next round uses a finished transaction")
        doubt = doubt or not isinstance(parent, If | With) or (isinstance(parent, With) and parent is not block)
        child = parent
    return behind, doubt


def _first_use(context: Context, block: With, behind: Sequence[Stmt]) -> Node | None:
    """The first use of the session behind the commit."""
    function = enclosing_function(block)
    name = _session_name(block)
    if function is None or name is None:
        return behind[0] if behind else None
    acts = Effects(context, names_of_session(context, function, name)).of(behind)
    return acts[0].node if acts else None


def _refuse_swallowed(context: Context, block: With) -> None:
    """Raise NoFix where the commit is what tells of a failure that was swallowed before: the block's end does not."""
    function, name = enclosing_function(block), _session_name(block)
    if function is not None and name is not None:
        effects = Effects(context, names_of_session(context, function, name))
        refuse_swallowed(effects, block.body)
        refuse_calls(effects, effects.of(block.body))


def _is_last_item(block: With) -> bool:
    """Whether nothing that is entered inside of the transaction is left before it ends."""
    begun = [i for i, item in enumerate(block.items) if _begins(item)]
    return len(block.items) == 1 or (bool(begun) and begun[-1] == len(block.items) - 1)


def _begins(item: WithItem) -> bool:
    func = item.context.func if isinstance(item.context, Call) else None
    return isinstance(func, Attribute) and func.attr == "begin"


def _session_name(block: With) -> str | None:
    for item in block.items:
        func = item.context.func if isinstance(item.context, Call) else None
        if isinstance(func, Attribute) and func.attr == "begin" and isinstance(func.value, Name):
            return (
                item.target.id if _gives_session(func, item.target) and isinstance(item.target, Name) else func.value.id
            )
    target = block.items[-1].target
    return target.id if isinstance(target, Name) else None


def _gives_session(func: Attribute, target: Node | None) -> bool:
    """`factory.begin() as session`: what the block is entered as is used as a session in it."""
    block = func.parent
    while block is not None and not isinstance(block, With):
        block = block.parent
    return isinstance(target, Name) and any(
        isinstance(n, Attribute)
        and n.attr in ("execute", "add", "get", "scalar", "scalars")
        and isinstance(n.value, Name)
        and n.value.id == target.id
        for n in (walk(block) if block is not None else ())
    )


def _does_nothing(statement: Stmt) -> bool:
    if isinstance(statement, Return):
        return statement.value is None or isinstance(statement.value, Constant | Name)
    return isinstance(statement, Simple) and statement.keyword == "pass"


# ----------------------------------------------------------------------------------------------------- cut in two


def _cut(context: Context, statement: Stmt, block: With, used: Node) -> Fix:
    """Two blocks: what is committed in the first one stays committed when the second one fails."""
    if not any(s is statement for s in block.body):
        raise NoFix(
            f"the session is used behind the commit, in line {used.span.line}, and the commit does not stand directly "
            "in the block: nothing tells which transaction that belongs to"
        )
    item = block.items[0]
    func = item.context.func if isinstance(item.context, Call) else None
    if (
        len(block.items) > 1
        or item.target is not None
        or not isinstance(func, Attribute)
        or not isinstance(func.value, Name)
    ):
        raise NoFix(f"the session is used behind the commit, in line {used.span.line}: cut the block in two there")
    if block.body[0] is statement:
        return context.fix("unsafe", "Remove the commit: there is nothing to commit yet", context.remove(statement))
    function = enclosing_function(block)
    if function is not None and len(function.scope.bindings.get(func.value.id, ())) > 1:
        names_of_session(context, function, func.value.id).require_own_name()
    context.lines_of([block])
    header = f"async with {func.value.id}.begin():"
    return context.fix("unsafe", "Cut the block in two at the commit", context.header_instead(statement, block, header))
