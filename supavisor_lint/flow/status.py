"""Status writes: the statements by which a task says how far its job is. Recognised by name and form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from supavisor_lint.facts.handlers import own_nodes
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import dotted
from supavisor_lint.facts.statements import Assign
from supavisor_lint.facts.tree import Attribute, Call, Constant, Dict, Expr, Name

_STATUS = re.compile(r"(?:^|_)(?:status|state)$")
_STATUS_FUNCTION = re.compile(
    r"^_*(?:mark|set|update|record|save|write|change)\w*"
    r"(?:status|state|fail|error|complet|done|processing|running|cancel)"
)
_FAILURE_FUNCTION = re.compile(r"^_*(?:mark|set|update|record|handle|fail)\w*(?:fail|error)|^_*fail_")
_FAILED = re.compile(r"fail|error", re.IGNORECASE)
_SQL_STATUS = re.compile(r"\bupdate\b.*\bset\b.*\bstatus\s*=", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class StatusWrite:
    """One status write: the node that does it, the text of the new value ("" if unknown), whether it says "failed".

    `expr` is the new value itself, None where it is part of a name or of SQL text.
    """

    node: Expr
    value: str
    failed: bool
    expr: Expr | None = None


def status_writes(statements: Iterable[Node]) -> Iterator[StatusWrite]:
    """The status writes in some statements (nested functions left out), in source order."""
    for node in own_nodes(statements):
        if isinstance(node, Assign) and node.value is not None and not node.augmented:
            for target in node.targets:
                if isinstance(target, Attribute) and _STATUS.search(target.attr) and not _is_self(target.value):
                    yield _write(target, node.value)
        elif isinstance(node, Call):
            yield from _in_call(node)


def _is_self(expr: Expr) -> bool:
    return isinstance(expr, Name) and expr.id in ("self", "cls")


def _in_call(call: Call) -> Iterator[StatusWrite]:
    name = call.func.id if isinstance(call.func, Name) else getattr(call.func, "attr", "")
    if name == "values":
        yield from _in_values(call)
    elif name == "setattr" and len(call.args) == 3:
        field = call.args[1].value
        if isinstance(field, Constant) and isinstance(field.value, str) and _STATUS.search(field.value):
            yield _write(call, call.args[2].value)
    elif name == "text" and call.args and isinstance(call.args[0].value, Constant):
        sql = call.args[0].value.value
        if isinstance(sql, str) and _SQL_STATUS.search(sql):
            yield StatusWrite(call, sql, _FAILED.search(sql) is not None)
    elif _STATUS_FUNCTION.match(name) or _FAILURE_FUNCTION.match(name) or _is_mark(call, name):
        yield _in_status_function(call, name)


def _is_mark(call: Call, name: str) -> bool:
    """`await self._mark(db, job_id, "processing")`."""
    return name.lstrip("_") == "mark" and any(_is_status_value(arg.value) for arg in call.args)


def _in_values(call: Call) -> Iterator[StatusWrite]:
    for arg in call.args:
        if arg.keyword is not None and _STATUS.search(arg.keyword):
            yield _write(call, arg.value)
        elif isinstance(arg.value, Dict):
            for item in arg.value.items:
                if item.key is not None and _STATUS.search(_text(item.key).rpartition(".")[2]):
                    yield _write(call, item.value)


def _in_status_function(call: Call, name: str) -> StatusWrite:
    for arg in call.args:
        if arg.keyword is not None and _STATUS.search(arg.keyword):
            return _write(call, arg.value)
    for arg in call.args:
        if arg.keyword is None and _is_status_value(arg.value):
            return _write(call, arg.value)
    return StatusWrite(call, name, _FAILED.search(name) is not None)


def _is_status_value(expr: Expr) -> bool:
    """A literal, or a constant of a class: `"processing"`, `JobStatus.FAILED`, `FAILED`."""
    if isinstance(expr, Attribute):
        return _text(expr.value)[:1].isupper()
    return isinstance(expr, Constant | Name) and _text(expr) != "" and (isinstance(expr, Constant) or expr.id.isupper())


def _write(node: Expr, value: Expr) -> StatusWrite:
    text = _text(value)
    return StatusWrite(node, text, _FAILED.search(text) is not None, value)


def _text(expr: Expr) -> str:
    if isinstance(expr, Constant):
        return expr.value if isinstance(expr.value, str) else ""
    return dotted(expr)
