"""How long a session lasts in the text: from what opens it, under one name, to the last statement that uses it."""

from __future__ import annotations

from dataclasses import dataclass

from supavisor_lint.facts.file import block_of, enclosing_function, scope_of
from supavisor_lint.facts.handlers import own_nodes
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import node_of
from supavisor_lint.facts.spelling import dotted
from supavisor_lint.facts.statements import (
    Assign,
    ExprStmt,
    For,
    FunctionDef,
    If,
    Return,
    Simple,
    Try,
    While,
    With,
    WithItem,
)
from supavisor_lint.facts.tree import Argument, Attribute, Await, Call, Expr, Name, Other, Stmt
from supavisor_lint.rewrites.base import Context, NoFix, kept_elsewhere


@dataclass(frozen=True, slots=True)
class Life:
    """One session. `opening` is the expression that gives it, `statements` are what it lasts for: the `async with`
    that enters it (`item`), or the assignment with its neighbours to the last that uses the name, or the `try` that the
    assignment begins.

    `close` is the statement that a helper makes superfluous, `closing` the `try` in whose `finally` it stands.
    """

    opening: Expr
    name: str
    function: FunctionDef
    statements: tuple[Stmt, ...]
    item: WithItem | None = None
    close: Stmt | None = None
    closing: Try | None = None

    @property
    def sites(self) -> tuple[Node | None, Node | None]:
        """What the session is known by where paths are followed."""
        return self.opening, self.item

    def holds(self, node: Node) -> bool:
        """Whether a node stands in the session's statements."""
        return any(statement.contains(node) for statement in self.statements)


def life_of_session(context: Context, opening: Expr) -> Life:
    """The life of the session that an expression opens; raises NoFix where it has no plain beginning."""
    function = enclosing_function(opening)
    if function is None or not function.is_async:
        raise NoFix("`async with` needs an `async def` around it")
    holder = opening.parent
    if isinstance(holder, WithItem):
        return _entered(opening, holder, function)
    if isinstance(holder, Assign) and holder.value is opening:
        return _assigned(context, opening, holder, function)
    raise NoFix(_why_not(holder))


def _why_not(holder: Node | None) -> str:
    if isinstance(holder, Return):
        return "the session is returned: whoever gets it has to open it with the session helper"
    if isinstance(holder, Argument):
        return "the session is passed on where it is opened: nothing here tells how long it lasts"
    if isinstance(holder, Attribute | ExprStmt):
        return "the session is kept in no variable: nothing here tells how long it lasts"
    return "the session is not bound by a plain assignment or an `async with`"


def _entered(opening: Expr, item: WithItem, function: FunctionDef) -> Life:
    statement = item.parent
    if not isinstance(statement, With) or not statement.is_async:
        raise NoFix("the session is entered with a plain `with`, which cannot work")
    if not isinstance(item.target, Name):
        raise NoFix("the `async with` gives the session no plain name")
    return Life(opening, item.target.id, function, (statement,), item)


def _assigned(context: Context, opening: Expr, assign: Assign, function: FunctionDef) -> Life:
    target = assign.targets[0]
    if isinstance(target, Attribute) and (kept_in := dotted(target)):
        raise kept_elsewhere(kept_in)
    if len(assign.targets) != 1 or not isinstance(target, Name) or assign.augmented:
        raise NoFix("the session is not bound to a plain name")
    if function.is_generator:
        raise NoFix("the function is a generator: who consumes it decides how long the session lasts")
    if target.id in function.scope.globals | function.scope.nonlocals:
        raise NoFix(f"`{target.id}` is declared global or nonlocal")
    block = block_of(assign)
    start = next(i for i, statement in enumerate(block) if statement is assign)
    later = block[start + 1 :]
    others = [node for node in bindings_of(function, target.id) if node.parent is not assign and node is not assign]
    reads = [
        read
        for read in reads_of(context, function, target.id)
        if read.order > assign.order and not any(binds_anew(other, opening, read) for other in others)
    ]
    used = [i for i, statement in enumerate(later) if any(statement.contains(read) for read in reads)]
    around = assign.parent
    if isinstance(around, Try) and _is_used_beside(around, assign, reads):
        close, closing = _closing(around, target.id)
        return Life(opening, target.id, function, (around,), close=close, closing=closing)
    if not used and reads:
        raise NoFix(f"the session is used outside of the block that opens it (line {reads[0].span.line})")
    if not used:
        raise NoFix("the session is opened, but not used")
    statements = (assign, *later[: used[-1] + 1])
    close, closing = _closing(statements[-1], target.id)
    return Life(opening, target.id, function, statements, close=close, closing=closing)


def _is_used_beside(statement: Try, assign: Assign, reads: list[Name]) -> bool:
    """Whether a `try` begins with an assignment, and uses what it binds in its handlers or clean-up as well."""
    outside = [read for read in reads if not any(part.contains(read) for part in statement.body)]
    begins = statement.body[0] is assign and len(statement.body) > 1
    return begins and any(statement.contains(read) for read in outside)


def bindings_of(function: FunctionDef, name: str) -> list[Node]:
    """The places where a function binds a name."""
    return [node_of(binding) for binding in function.scope.bindings.get(name, ())]


def binds_anew(binding: Node, opening: Node, read: Name) -> bool:
    """Whether a binding certainly comes between an opening and a read: in a `with` or a block around the read."""
    holder: Node | None = binding
    while holder is not None and not isinstance(holder, Assign | WithItem):
        holder = holder.parent
    if holder is None or holder.contains(read):  # what is bound is made of what the name means before
        return False
    if isinstance(holder, WithItem):
        return holder.parent is not None and holder.parent.contains(read)
    if not (opening.order < holder.order or (read.order < opening.order and loop_around(opening, holder))):
        return False
    return holder.order < read.order and any(statement.contains(read) for statement in block_of(holder))


def reads_of(context: Context, function: FunctionDef, name: str) -> list[Name]:
    """All reads of a function's variable, in nested functions as well."""
    return [read for read in context.file.names.get(name, ()) if scope_of(read).lookup(name) is function.scope]


# ----------------------------------------------------------------------------------------------------- its close


def _closing(last: Stmt, name: str) -> tuple[Stmt | None, Try | None]:
    if is_close(last, name):
        return last, None
    if isinstance(last, Try):
        closes = [statement for statement in last.finalbody if is_close(statement, name)]
        if len(closes) == 1:
            _refuse_waiting(last, closes[0], name)
            return closes[0], last
    return None, None


def is_close(statement: Stmt, name: str) -> bool:
    """`await session.close()`, also as `if session: …`: the session is there."""
    if isinstance(statement, If) and not statement.orelse and len(statement.body) == 1:
        return _asks_for(statement.test, name) and is_close(statement.body[0], name)
    value = statement.value if isinstance(statement, ExprStmt) else None
    call = value.value if isinstance(value, Await) else None
    return (
        isinstance(call, Call)
        and not call.args
        and isinstance(call.func, Attribute)
        and call.func.attr == "close"
        and _is_name(call.func.value, name)
    )


def _asks_for(test: Expr, name: str) -> bool:
    if isinstance(test, Other) and test.op == "is not":
        return _is_name(test.parts[0], name)
    return _is_name(test, name)


def _is_name(expr: Node, name: str) -> bool:
    return isinstance(expr, Name) and expr.id == name


def _refuse_waiting(statement: Try, close: Stmt, name: str) -> None:
    """What follows `close()` in the `finally` will run before the session's end: it must not depend on that."""
    behind = statement.finalbody[statement.finalbody.index(close) + 1 :]
    for node in own_nodes(behind):
        if isinstance(node, Await) or _is_name(node, name):
            raise NoFix(f"line {node.span.line} waits for something behind `close()`: move it behind the `try`")
    for node in own_nodes(statement.finalbody):
        if isinstance(node, Return) or (isinstance(node, Simple) and node.keyword in ("break", "continue")):
            raise NoFix(f"the `finally` swallows errors (line {node.span.line})")


def loop_around(node: Node, other: Node) -> bool:
    """Whether a loop holds both nodes: then what stands later may run before."""
    parent = node.parent
    while parent is not None and not isinstance(parent, FunctionDef):
        if isinstance(parent, For | While) and parent.contains(other):
            return True
        parent = parent.parent
    return False
