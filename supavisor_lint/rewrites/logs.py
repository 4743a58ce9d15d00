"""The log lines of a task: with the logger that its file uses already, in the style in which the file uses it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from supavisor_lint.facts.file import enclosing_function, scope_of, walk_own
from supavisor_lint.facts.handlers import is_log_call, own_nodes_in
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Binding, ModuleImport, NameImport
from supavisor_lint.facts.spelling import dotted
from supavisor_lint.facts.statements import Assign, ClassDef, FunctionDef, Import, ImportFrom, is_docstring
from supavisor_lint.facts.tree import Attribute, Call, Constant, Expr, Name, Param, Stmt, Subscript
from supavisor_lint.findings import Edit
from supavisor_lint.project.names import bound_at_run_time
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.log_text import Logs
from supavisor_lint.rewrites.reach import deleted_names

_MOST_PARAMETERS = 3
# Secrets, what is told about persons, and what is too long for a log line.
_NEVER_LOGGED = frozenset(
    {"password", "passwd", "secret", "token", "key", "credential", "auth", "session", "db"}
    | {"email", "phone", "address", "text", "content", "body", "prompt", "message", "html", "payload", "data"}
)
_PLAIN_TYPES = frozenset({"int", "str", "UUID", "float", "bool", "date", "datetime", "Decimal"})


@dataclass(frozen=True, slots=True)
class Logger:
    """How a function can log: the logs that it may write, and the edits that bind their logger at module level."""

    logs: Logs
    edits: tuple[Edit, ...] = ()


def logger_of(context: Context, function: FunctionDef) -> Logger:
    """The logger that a function can use anywhere in its body; raises NoFix where the file allows none.

    Whoever writes a handler asks for it: so one is refused here as well where `except Exception` would mean another.
    """
    if function.scope.lookup("Exception") is not None:
        raise NoFix("`Exception` means something else here")
    parameters = tuple(param.name for param in _worth_logging(function))
    found = next(_known(context, function), None)
    if found is not None:
        return Logger(Logs(found, function.name, parameters, _takes_percents(context, found)))
    return Logger(Logs("logger", function.name, parameters, percents=True), tuple(_new_logger(context, function)))


def _known(context: Context, function: FunctionDef) -> Iterator[str]:
    """The loggers that the function can reach, best first: its own, the most used one of the file, any in the file."""
    own = [text for call in own_nodes_in(function) if (text := _receiver(context, call, function)) is not None]
    yield from (text for text, _ in Counter(own).most_common())
    others = [
        text
        for call in context.file.calls
        if (text := _receiver(context, call, function)) is not None and "." not in text
    ]
    yield from (text for text, _ in Counter(others).most_common())
    for name in ("logger", "log", "_logger", "LOGGER", "LOG"):
        if function.scope.lookup(name) is context.file.scope and _is_module_logger(context, name):
            yield name


def _receiver(context: Context, call: Node, function: FunctionDef) -> str | None:
    """The logger of a log call, if the whole body of the function can name it."""
    if not isinstance(call, Call) or not is_log_call(call) or not isinstance(call.func, Attribute):
        return None
    text = dotted(call.func.value)
    root, *attributes = text.split(".")
    if not root or call.func.attr in ("print_exc", "print_exception", "pprint"):
        return None
    owner = function.scope.lookup(root)
    if owner is None or not _logs_errors(call.func.attr):
        return None
    if owner is function.scope:
        is_self = bool(function.params) and function.params[0].name == root and len(attributes) == 1
        in_class = isinstance(function.parent, ClassDef) and enclosing_function(call) is function
        return text if is_self and in_class else None
    seen_there = scope_of(call).lookup(root)
    if owner is not seen_there or (owner.kind == "module" and not bound_at_run_time(owner, root)):
        return None
    return text


def _logs_errors(method: str) -> bool:
    return method in ("debug", "info", "warning", "warn", "error", "exception", "critical")


def _is_module_logger(context: Context, name: str) -> bool:
    """Whether a module-level name may be a logger: bound once, and not to a function, which many a `log` is."""
    bindings = context.file.scope.bindings.get(name, [])
    if len(bindings) != 1 or not bound_at_run_time(context.file.scope, name):
        return False
    if any(isinstance(definition, FunctionDef | ClassDef) for definition in _definitions(context, bindings[0])):
        return False
    return not any(isinstance(call.func, Name) and call.func.id == name for call in context.file.calls)


def _definitions(context: Context, binding: Binding) -> Sequence[Binding]:
    """What binds a module-level name: in the project's module that it is imported from, else here."""
    if not isinstance(binding, NameImport):
        return [binding]
    path = context.project.module(context.file.path, binding.module, binding.level)
    home = context.project.peek(path) if path is not None else None
    return home.scope.bindings.get(binding.name, []) if home is not None else []


def _takes_percents(context: Context, logger: str) -> bool:
    """Whether a logger formats `%s`: the standard library's, or one that the file gives such messages already."""
    if logger == "logging":
        return True
    for binding in context.file.scope.bindings.get(logger, ()):
        value = getattr(binding, "value", None)
        if isinstance(value, Call) and dotted(value.func).rpartition(".")[2] == "getLogger":
            return True
    calls = [c for c in context.file.calls if isinstance(c.func, Attribute) and dotted(c.func.value) == logger]
    return any(
        isinstance(call.argument(0), Constant) and "%s" in str(getattr(call.argument(0), "value", "")) for call in calls
    )


# ------------------------------------------------------------------------------------------------------ parameters


def _worth_logging(function: FunctionDef) -> list[Param]:
    """The parameters that tell one run of a task from another: identifiers first, else other plain values."""
    params = [p for p in function.params if p.kind not in ("*", "**") and _may_be_logged(function, p)]
    return ([p for p in params if _is_identifier(p)] or params)[:_MOST_PARAMETERS]


def _is_identifier(param: Param) -> bool:
    return param.name == "id" or param.name.endswith(("_id", "uuid"))


def _may_be_logged(function: FunctionDef, param: Param) -> bool:
    is_static = any(dotted(decorator) == "staticmethod" for decorator in function.decorators)
    if param is function.params[0] and isinstance(function.parent, ClassDef) and not is_static:
        return False
    words = param.name.lower().split("_")
    if not _NEVER_LOGGED.isdisjoint(words) or len(function.scope.bindings.get(param.name, ())) != 1:
        return False
    if param.name in deleted_names(own_nodes_in(function)):
        return False
    if param.annotation is not None:
        return _is_identifier(param) or _is_plain_type(param.annotation)
    return not any(_is_taken_apart(node, param.name) for node in own_nodes_in(function))


def _is_plain_type(annotation: Expr) -> bool:
    names = [n for n in walk_own(annotation) if isinstance(n, Name)]
    texts = [n.value for n in walk_own(annotation) if isinstance(n, Constant) and isinstance(n.value, str)]
    found = [*(name.id for name in names), *texts]
    return bool(found) and all(
        part in _PLAIN_TYPES | {"Optional", "uuid", "None", "typing", "t", "Union"} for part in found
    )


def _is_taken_apart(node: Node, name: str) -> bool:
    """Whether a value is used as an object: its text may be long, or want the database."""
    base = node.value if isinstance(node, Attribute | Subscript) else node.func if isinstance(node, Call) else None
    return isinstance(base, Name) and base.id == name


# --------------------------------------------------------------------------------------------------- a new logger


def _new_logger(context: Context, function: FunctionDef) -> Iterator[Edit]:
    """`logger = logging.getLogger(__name__)` behind the module's imports, with the import of `logging`."""
    for name in ("logger", "logging"):
        taken = [
            scope
            for scope in context.file.scopes
            if name in scope.bindings and not (name == "logging" and _is_logging(scope.bindings[name]))
        ]
        if taken:
            raise NoFix(f"the file has no logger to use, and the name `{name}` is taken: add a logger")
    body = list(context.file.module.body)
    imports = [s for s in body if isinstance(s, Import | ImportFrom)]
    leading = [s for s in body[: _first_code(body)] if isinstance(s, Import | ImportFrom)]
    has_logging = any(isinstance(s, Import) and _binds_logging(s) for s in leading)
    lines = ["", "logger = logging.getLogger(__name__)"]
    if not leading:
        if imports:
            raise NoFix("the file has no logger to use, and its imports do not stand at its head: add a logger")
        yield from _before_code(context, body, ["import logging", *lines, ""])
        return
    if not has_logging:
        yield _import_of_logging(context, leading)
    _, last = context.lines_of([leading[-1]])
    yield context.source.insert_lines(last + 1, lines)


def _import_of_logging(context: Context, leading: Sequence[Import | ImportFrom]) -> Edit:
    """`import logging` where a sorted head of a module has it: among its first imports of the standard library."""
    line = "import logging"
    plain = [s for s in leading if not _is_future(s)]
    if not plain:
        return context.source.insert_lines(context.lines_of([leading[-1]])[1] + 1, ["", line])
    first = list(takewhile(lambda s: isinstance(s, Import) and _is_standard(s), plain))
    behind = next((s for s in first if _module(s) > "logging"), None)
    if first and behind is None:
        return context.source.insert_lines(context.lines_of([first[-1]])[1] + 1, [line])
    successor = behind or plain[0]
    lines = [line] if _is_standard(successor) else [line, ""]
    return context.source.insert_lines(context.lines_of([successor])[0], lines)


def _is_standard(statement: Import | ImportFrom) -> bool:
    return _module(statement).partition(".")[0] in sys.stdlib_module_names


def _module(statement: Import | ImportFrom) -> str:
    """The module of an import, the first one of several; with its dots if it is relative."""
    if isinstance(statement, ImportFrom):
        return "." * statement.level + statement.module
    return statement.names[0][0]


def _first_code(body: list[Stmt]) -> int:
    """The index of the first statement that is neither docstring nor import."""
    for index, statement in enumerate(body):
        if not isinstance(statement, Import | ImportFrom) and not is_docstring(statement, body):
            return index
    return len(body)


def _before_code(context: Context, body: list[Stmt], lines: list[str]) -> Iterator[Edit]:
    first = next((s for s in body if not is_docstring(s, body)), None)
    if first is None:
        raise NoFix("the file has no logger to use: add one")
    yield context.source.insert_lines(context.with_comments_above(context.lines_of([first])[0]), lines)


def _is_future(statement: Stmt) -> bool:
    return isinstance(statement, ImportFrom) and statement.module == "__future__"


def _binds_logging(statement: Import) -> bool:
    return any(alias is None and module.partition(".")[0] == "logging" for module, alias in statement.names)


def _is_logging(bindings: Sequence[object]) -> bool:
    return all(
        (isinstance(b, ModuleImport) and b.dotted == "logging") and not isinstance(b, NameImport | Assign)
        for b in bindings
    )
