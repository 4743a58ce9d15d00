"""ORM objects that outlive their session (condition 5 of section 10): a helper's exit expires them.

Its commit does so where the factory says `expire_on_commit`, its rollback always; a bare session lets them go as they
are.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import block_of, scope_of, walk
from supavisor_lint.facts.handlers import enclosing_tries, own_nodes
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import node_of
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import Assign, For, FunctionDef, Match, Return, With, WithItem
from supavisor_lint.facts.tree import (
    Attribute,
    Await,
    BoolOp,
    Call,
    Collection,
    Constant,
    Expr,
    FString,
    Lambda,
    Name,
    NamedExpr,
    Other,
    Starred,
    Subscript,
    Yield,
)
from supavisor_lint.flow.sql import chain_start
from supavisor_lint.flow.sql import statement as statement_of
from supavisor_lint.rewrites.base import Context
from supavisor_lint.rewrites.session_life import Life, loop_around, reads_of
from supavisor_lint.rewrites.session_names import KEEPS

_PLAIN_CALLS = frozenset({"len", "str", "int", "float", "bool", "sum", "any", "all", "repr", "isinstance", "range"})
_NO_RESULT = frozenset(
    {"commit", "rollback", "flush", "close", "reset", "add", "add_all", "delete", "refresh", "begin"}
)
_PLAIN_ATTRIBUTES = frozenset({"rowcount"})
_STARTS_TASKS = frozenset({"create_task", "ensure_future", "add_task", "run_coroutine_threadsafe"})
_COMPARISONS = frozenset({"not", "is", "is not", "==", "!=", "in", "not in"})


def why_objects_are_lost(context: Context, life: Life, expires: bool | None) -> str | None:
    """Why objects of the session may be read behind a helper's exit, which expires them; None if that cannot be."""
    objects = _Objects(context, life)
    read = objects.read_behind()
    if read is not None and (expires is not False or _may_follow_an_error(life, read)):
        return f"line {read.span.line} reads what the session has loaded, behind its end"
    kept = next(objects.kept(), None) if expires is not False else None
    return None if kept is None else f"line {kept.span.line} keeps objects that expire when the helper commits"


def _may_follow_an_error(life: Life, read: Node) -> bool:
    """Whether the read may be reached although the session's statements have raised."""
    return any(part == "body" and try_.handlers for try_, part in enclosing_tries(life.statements[0])) or any(
        part == "finalbody" for _, part in enclosing_tries(read)
    )


class _Objects:
    """The names that may hold objects of one session, or containers of them."""

    def __init__(self, context: Context, life: Life) -> None:
        self._context = context
        self._life = life
        self.names: set[str] = {life.name}
        before = 0
        while before != len(self.names):
            before = len(self.names)
            for node in self._nodes():
                self._learn(node)

    def _nodes(self) -> Iterator[Node]:
        yield from own_nodes(self._life.statements)
        for statement in self._life.statements:
            yield from (node for node in walk(statement) if isinstance(node, FunctionDef))

    def _learn(self, node: Node) -> None:
        match node:
            case Assign(targets, value) if value is not None and self.may_hold(value):
                for target in targets:
                    self._bind(target)
            case For(target, iterable) if self.may_hold(iterable):
                self._bind(target)
            case NamedExpr(target, value) if self.may_hold(value):
                self._bind(target)
            case WithItem(context, target) if target is not None and self.may_hold(context):
                self._bind(target)
            case Match(subject, cases) if self.may_hold(subject):
                self.names |= {name for case in cases for name in case.names}
            case FunctionDef(name) if self._captures(node):
                self.names.add(name)
            case Call(Attribute(Name(name), attr), args) if attr in KEEPS and name != self._life.name:
                if any(self.may_hold(argument.value) for argument in args):
                    self.names.add(name)

    def _bind(self, target: Expr) -> None:
        if isinstance(target, Collection):
            for item in target.items:
                self._bind(item)
        elif isinstance(target, Starred):
            self._bind(target.value)
        else:
            root = _root(target)
            if root is not None and root.id not in ("self", "cls"):
                self.names.add(root.id)

    def may_hold(self, expr: Node) -> bool:
        """Whether the value of an expression may be, or hold, an object of the session."""
        match expr:
            case Name(name):
                return name in self.names
            case Constant() | FString():
                return False
            case Lambda():
                return self._captures(expr)
            case Other(_, op) if op in _COMPARISONS:
                return False
            case Attribute(value, attr):
                return attr not in _PLAIN_ATTRIBUTES and self.may_hold(value)
            case Call():
                return self._may_give(expr)
            case BoolOp(values):
                return any(self.may_hold(value) for value in values)
            case _:
                return any(self.may_hold(child) for child in expr.children())

    def _captures(self, function: Node) -> bool:
        """Whether a nested function or a lambda may read an object when it is called."""
        return any(isinstance(node, Name) and node.id in self.names for node in walk(function))

    def _may_give(self, call: Call) -> bool:
        name = last_name(call.func)
        if isinstance(call.func, Name) and name in _PLAIN_CALLS:  # but `result.all()` gives objects
            return False
        receiver = call.func.value if isinstance(call.func, Attribute) else None
        if isinstance(receiver, Name) and receiver.id == self._life.name:
            return name not in _NO_RESULT and not self._gives_values(call)
        return any(self.may_hold(child) for child in call.children())

    def _gives_values(self, call: Call) -> bool:
        """Whether a query is known to select columns only, or nothing."""
        asked = call.argument(0, "statement")
        root = chain_start(asked)
        if last_name(call.func) not in ("execute", "scalar", "scalars") or root is None:
            return False
        if last_name(root.func) == "select" and root.args and all(_is_column(a.value) for a in root.args):
            return True
        known = statement_of(self._context.ev, self._context.file, asked)
        return not known.selects and not known.writes

    # ---------------------------------------------------------------------------------------------- who has them

    def read_behind(self) -> Name | None:
        """The first read of such a name behind the session's statements."""
        life = self._life
        for name in sorted(self.names - {life.name}):
            for read in reads_of(self._context, life.function, name):
                is_later = read.order > life.opening.order or loop_around(life.opening, read)
                if is_later and not life.holds(read) and not self._is_bound_anew(read):
                    return read
        return None

    def _is_bound_anew(self, read: Name) -> bool:
        """Whether the name gets another value between the session's end and the read, on the way to it."""
        for binding in scope_of(read).lookup(read.id).bindings[read.id]:  # type: ignore[union-attr]
            node: Node | None = node_of(binding)
            while node is not None and not isinstance(node, Assign | For | With):
                node = node.parent
            if node is None or self._life.holds(node) or node.order > read.order:
                continue
            if node.order < self._life.opening.order and not (loop_around(self._life.opening, node)):
                continue
            if read.order > self._life.opening.order > node.order:
                continue
            around = [node] if isinstance(node, For | With) else block_of(node)
            if any(statement.contains(read) for statement in around):
                return True
        return False

    def kept(self) -> Iterator[Node]:
        """Where objects leave the function, or are kept by something that outlives the session."""
        for node in self._nodes():
            match node:
                case Return(value) | Yield(value) if value is not None and self.may_hold(value):
                    yield node
                case Assign(targets, value) if value is not None and self.may_hold(value):
                    yield from (target for target in targets if self._is_outside(target))
                case Call(func, args) if last_name(func) in _STARTS_TASKS | KEEPS:
                    keeper = _root(func)
                    given = any(self.may_hold(argument.value) for argument in args)
                    if given and (last_name(func) in _STARTS_TASKS or keeper is None or self._outlives(keeper)):
                        yield node

    def _is_outside(self, target: Expr) -> bool:
        if isinstance(target, Name):
            return target.id in self._life.function.scope.globals | self._life.function.scope.nonlocals
        if not isinstance(target, Attribute | Subscript):
            return False
        root = _root(target)
        return root is None or self._outlives(root)

    def _outlives(self, root: Name) -> bool:
        """Whether a name means something that others know: no variable of the function, or a parameter of it."""
        scope = self._life.function.scope
        return root.id != self._life.name and (
            root.id not in scope.bindings or self._life.function.param(root.id) is not None
        )


def _is_column(expr: Expr) -> bool:
    """`Job.id`, `Job.id.label("job")`, `func.max(Job.id)`, whatever is known of the class."""
    match expr:
        case Attribute(Name(owner), attr):
            return owner[:1].isupper() and attr.islower()
        case Call(Attribute(Name("func"))):
            return True
        case Call(Attribute(column, "label")):
            return _is_column(column)
        case _:
            return False


def _root(expr: Node) -> Name | None:
    while isinstance(expr, Attribute | Subscript | Call | Await):
        expr = expr.func if isinstance(expr, Call) else expr.value
    return expr if isinstance(expr, Name) else None
