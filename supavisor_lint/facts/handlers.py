"""Exception handlers and log calls, as far as their own text tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from supavisor_lint.facts.file import walk_own
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import (
    Assign,
    ClassDef,
    ExprStmt,
    FunctionDef,
    Handler,
    Import,
    ImportFrom,
    Raise,
    Simple,
    Try,
    With,
)
from supavisor_lint.facts.tree import (
    Attribute,
    Await,
    Block,
    Call,
    Collection,
    Constant,
    Dict,
    Expr,
    FString,
    Lambda,
    Name,
    Stmt,
)

_BROAD = frozenset({"Exception", "BaseException"})
_LOG_METHODS = frozenset(
    {
        "debug",
        "info",
        "warning",
        "warn",
        "error",
        "exception",
        "critical",
        "fatal",
        "log",
        "msg",
        "success",
        "trace",
    }
)
_ALL_LOG_METHODS = _LOG_METHODS | {f"a{name}" for name in _LOG_METHODS}  # structlog has them asynchronous, too
_REPORTERS = frozenset(
    {
        "print",
        "pprint",
        "print_exc",
        "print_exception",
        "capture_exception",
        "capture_message",
        "record_exception",
        "notice_error",
        "report_exception",
        "secho",
        "echo",
    }
)


def is_broad(handler: Handler) -> bool:
    """Whether a handler catches every ordinary exception: bare, Exception or BaseException, alone or in a tuple."""
    return handler.type is None or any(name in _BROAD for name in _names(handler.type))


def _names(expr: Expr) -> Iterator[str]:
    if isinstance(expr, Name):
        yield expr.id
    elif isinstance(expr, Attribute):
        yield expr.attr
    elif isinstance(expr, Collection):
        for item in expr.items:
            yield from _names(item)


def is_log_call(node: Node) -> bool:
    """`logger.error(…)`, `self._log.exception(…)`, `print(…)`, `traceback.print_exc()`, `capture_exception(…)`."""
    if not isinstance(node, Call):
        return False
    func = node.func
    if isinstance(func, Name):
        return func.id in _REPORTERS or "log" in func.id.lower().split("_")
    if not isinstance(func, Attribute):
        return False
    if func.attr in _REPORTERS:
        return True
    return func.attr in _ALL_LOG_METHODS and _is_logger(func.value)


def _is_logger(expr: Expr) -> bool:
    """A name that speaks of logging; `log.bind(…).info` and `getLogger(…).error` as well."""
    if isinstance(expr, Call):
        return _is_logger(expr.func)
    name = expr.id if isinstance(expr, Name) else expr.attr if isinstance(expr, Attribute) else ""
    if "log" in name.lower() or name in ("structlog", "logfire", "console"):
        return True
    return isinstance(expr, Attribute) and _is_logger(expr.value)


def enclosing_tries(node: Node) -> Iterator[tuple[Try, str]]:
    """The `try` statements around a node within its function, inner first, with the part that holds the node.

    The part is "body", "handler", "orelse" or "finalbody".
    """
    child, parent = node, node.parent
    while parent is not None and not (isinstance(parent, FunctionDef | Lambda)):
        if isinstance(parent, Try):
            yield parent, _part(parent, child)
        child, parent = parent, parent.parent


def _part(statement: Try, child: Node) -> str:
    for name in ("body", "orelse", "finalbody"):
        if child in getattr(statement, name):
            return name
    return "handler"


def broad_handlers(node: Node) -> Iterator[Handler]:
    """The broad handlers that catch what a node raises, inner first."""
    for statement, part in enclosing_tries(node):
        if part == "body":
            yield from (handler for handler in statement.handlers if is_broad(handler))


@kept
def own_nodes_in(function: FunctionDef) -> tuple[Node, ...]:
    """Everything in the body of a function, but not the bodies of functions defined in it."""
    return tuple(own_nodes(function.body))


def own_nodes(statements: Iterable[Node]) -> Iterator[Node]:
    """Everything in some statements, but not the bodies of functions defined in them."""
    for statement in statements:
        if not isinstance(statement, FunctionDef):
            yield from walk_own(statement)


def logs(handler: Handler) -> bool:
    """Whether a handler's own text holds a log call."""
    return any(is_log_call(node) for node in own_nodes(handler.body))


def raises(handler: Handler) -> bool:
    """Whether a handler's own text holds a `raise`."""
    return any(isinstance(node, Raise) for node in own_nodes(handler.body))


def is_logged(node: Node) -> bool:
    """Whether a failure of this node ends in a broad handler of its function that logs it."""
    return any(logs(handler) for handler in broad_handlers(node))


def hands_on(handler: Handler, node: Node) -> bool:
    """Whether a node in a handler is the exception itself, to be returned, stored or passed, or its traceback."""
    if isinstance(node, Name):
        return node.id == handler.name
    return isinstance(node, Attribute) and node.attr in ("format_exc", "exc_info", "format_exception")


def starts_with_log(body: Block) -> bool:
    """Whether a log call is the first statement of a body that can fail."""
    for statement in body:
        if isinstance(statement, Try):
            return starts_with_log(statement.body)
        if isinstance(statement, With) and all(_is_log_context(item.context) for item in statement.items):
            return starts_with_log(statement.body)
        if is_log_statement(statement):
            return True
        if not cannot_fail(statement):
            return False
    return False


def is_log_statement(statement: Stmt) -> bool:
    """Whether a statement is a log call, maybe awaited, and nothing else."""
    if not isinstance(statement, ExprStmt):
        return False
    return is_log_call(statement.value.value if isinstance(statement.value, Await) else statement.value)


def _is_log_context(context: Expr) -> bool:
    """`logger.contextualize(…)`, `bound_contextvars(…)` of structlog."""
    if not isinstance(context, Call):
        return False
    func = context.func
    if isinstance(func, Attribute):
        return _is_logger(func.value) or func.attr == "bound_contextvars"
    return isinstance(func, Name) and func.id == "bound_contextvars"


def cannot_fail(statement: Stmt) -> bool:
    """Whether a statement can do nothing that a database or a job can break."""
    if isinstance(statement, Import | ImportFrom | FunctionDef | ClassDef):
        return True
    if isinstance(statement, ExprStmt):
        return isinstance(statement.value, Constant)
    if isinstance(statement, Simple):
        return statement.keyword in ("global", "nonlocal", "pass")
    if isinstance(statement, Assign):
        return statement.value is None or _is_plain(statement.value)
    return False


# A logger, a clock, an id, and how they are written: calls that no database and no job can break.
_HARMLESS_CALLS = frozenset(
    {
        "getLogger",
        "get_logger",
        "bind",
        "monotonic",
        "perf_counter",
        "time",
        "utcnow",
        "now",
        "isoformat",
        "strftime",
        "uuid1",
        "uuid4",
    }
)


def _is_plain(expr: Expr) -> bool:
    """Constants, names, texts and empty collections of them, a logger, a clock, an id: nothing that a job can break."""
    if isinstance(expr, Constant | Name):
        return True
    if isinstance(expr, FString):
        return all(_is_plain(part) for part in expr.parts)
    if isinstance(expr, Collection | Dict):
        return not expr.items
    if isinstance(expr, Call):
        return getattr(expr.func, "attr", getattr(expr.func, "id", "")) in _HARMLESS_CALLS
    return isinstance(expr, Attribute) and _is_plain(expr.value)
