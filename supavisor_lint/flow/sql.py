"""What a statement that is executed does: read or write, and of which class it gives objects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from supavisor_lint.facts.file import FileFacts, enclosing_function, scope_of, walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned, NameImport
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import ClassDef
from supavisor_lint.facts.tree import Attribute, Call, Constant, Expr, Name, Other
from supavisor_lint.flow.condition_texts import condition_text
from supavisor_lint.flow.values import Entity, NamedEntity
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.mapped import class_behind
from supavisor_lint.project.values import ClassValue, External, Unknown

_WRITES = frozenset({"insert", "update", "delete"})
_MAKERS = _WRITES | {"select", "text"}
_OF_COLUMNS = frozenset(
    {"load_only", "defer", "undefer", "undefer_group", "raiseload", "noload", "lazyload", "with_expression", "Load"}
)
_SQL_READ = re.compile(r"\s*(?:select|show)\b", re.IGNORECASE)
_SQL_HIDDEN_WRITE = re.compile(r"\b(?:into|insert|update|delete|merge|call)\b|;\s*\S", re.IGNORECASE)
_SQL_CALL = re.compile(r"(\w+)\s*\(")
_READING = frozenset(
    {"count", "max", "min", "sum", "avg", "coalesce", "lower", "upper", "now", "current_timestamp", "length", "trim"}
    | {"date_trunc", "extract", "cast", "distinct", "concat", "nullif", "greatest", "least", "abs", "round", "random"}
    | {"in", "values", "exists", "and", "or", "any", "all", "where", "select", "as", "on", "from", "not", "over", "by"}
    | {"array_agg", "string_agg", "json_agg", "jsonb_agg", "json_build_object", "jsonb_build_object", "unnest"}
    | {"row_number", "rank", "lag", "lead", "date", "to_char", "similarity", "char_length", "date_part", "interval"}
)
_SQL_WRITE = re.compile(r"\s*(?:insert|update|delete|merge|replace)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Statement:
    """A SQL statement: `writes`, and the class whose objects it selects (None: rows, or unknown).

    `returns` the objects that it writes; `deletes` them. `open` where it may give objects of any class: somebody else
    has made it, or it has got columns since.
    """

    writes: bool = False
    updates: bool = False
    selects: bool = False
    returns: bool = False
    deletes: bool = False
    open: bool = False
    entity: Entity | None = None
    key: str | None = None


def statement(ev: Evaluator, file: FileFacts, expr: Expr | None) -> Statement:
    """What an expression is as a statement; an unknown one neither writes nor is known to select objects."""
    root = chain_start(expr)
    if root is None:
        return Statement(open=not isinstance(expr, Constant))
    name = root.func.attr if isinstance(root.func, Attribute) else getattr(root.func, "id", "")
    kinds = {v.last for v in ev.values(file, root.func) if isinstance(v, External)}
    if not kinds & _MAKERS or (name and len(kinds) != 1):
        return Statement(open=True)
    kind = kinds.pop()
    if kind in _WRITES:
        entity = entity_of(ev, file, root.args[0].value) if root.args else None
        returns = any(entity_of(ev, file, argument) is not None for argument in _given(expr, "returning"))
        deletes = kind == "delete"
        return Statement(True, kind != "insert", returns=returns, deletes=deletes, entity=entity, key=_key(expr))
    if kind == "text":
        sql = root.argument(0, "text")
        return Statement(writes=_is_writing(sql))
    if root.args and all(_is_column(ev, file, argument.value) for argument in root.args):
        return Statement(open=expr is not None and loads_related(expr))
    entity = entity_of(ev, file, root.args[0].value) if len(root.args) == 1 else None
    return Statement(selects=True, entity=entity, key=_key(expr) if _is_plain_choice(expr) else None)


def returns_row(expr: Expr | None) -> bool:
    """Whether what a statement returns of a row is never None or 0: `returning(Job)`, `returning(Job.id)`."""
    returned = next(_given(expr, "returning"), None)
    if isinstance(returned, Attribute):
        return returned.attr == "id"
    return isinstance(returned, Name) and returned.id[:1].isupper()


def only_reads(ev: Evaluator, file: FileFacts, expr: Expr | None) -> bool:
    """Whether a statement is known to change nothing: a select of columns and of functions that only read."""
    root = chain_start(expr)
    if root is None:
        return False
    kinds = {v.last for v in ev.values(file, root.func) if isinstance(v, External)}
    if kinds == {"text"}:
        sql = root.argument(0, "text")
        return isinstance(sql, Constant) and isinstance(sql.value, str) and _is_reading(sql.value)
    function = enclosing_function(root)
    return kinds == {"select"} and function is not None and not any(_may_write(node) for node in walk(function))


def _is_reading(sql: str) -> bool:
    if _SQL_READ.match(sql) is None or _SQL_HIDDEN_WRITE.search(sql) is not None:
        return False
    return all(name.lower() in _READING for name in _SQL_CALL.findall(sql))


def _may_write(node: Node) -> bool:
    """`func.nextval(…)`, or a common table expression, which may hold an INSERT."""
    if not isinstance(node, Attribute):
        return False
    if node.attr == "cte":
        return True
    return isinstance(node.value, Name) and node.value.id == "func" and node.attr.lower() not in _READING


def _is_column(ev: Evaluator, file: FileFacts, expr: Expr) -> bool:
    """`Job.status`: it gives values, no objects."""
    if not isinstance(expr, Attribute) or entity_of(ev, file, expr) is not None:
        return False
    return isinstance(ev.only(file, expr.value), ClassValue)


def _key(expr: Expr | None) -> str | None:
    """`k` of `….where(Job.id == k)….`, as text."""
    while isinstance(expr, Call) and isinstance(expr.func, Attribute):
        if expr.func.attr == "where" and len(expr.args) == 1:
            match expr.args[0].value:
                case Other((Attribute(_, "id"), right), "=="):
                    return condition_text(right)
        expr = expr.func.value
    return None


def _is_plain_choice(expr: Expr | None) -> bool:
    """Whether a statement names its row, and nothing else narrows it: `select(Job).where(…)`."""
    return isinstance(expr, Call) and isinstance(expr.func, Attribute) and not isinstance(_inner(expr), Attribute)


def _inner(expr: Call) -> Expr:
    """What the receiver of a method call is, in turn, called on."""
    receiver = expr.func.value if isinstance(expr.func, Attribute) else expr
    return receiver.func if isinstance(receiver, Call) else receiver


def _is_writing(sql: Expr | None) -> bool:
    return isinstance(sql, Constant) and isinstance(sql.value, str) and _SQL_WRITE.match(sql.value) is not None


def chain_start(expr: Expr | None, depth: int = 0) -> Call | None:
    """The call that a chain of methods starts with: `select(Job)` of `select(Job).where(…)`; through one variable."""
    while isinstance(expr, Call):
        inner = expr.func
        while isinstance(inner, Attribute):
            inner = inner.value
        if not isinstance(inner, Call):
            if isinstance(inner, Name) and isinstance(expr.func, Attribute) and depth < 4:
                return _held(inner, depth) or expr
            return expr
        expr = inner
    return _held(expr, depth) if isinstance(expr, Name) else None


def _held(name: Name, depth: int) -> Call | None:
    owner = scope_of(name).lookup(name.id)
    if owner is None or owner.kind == "module":
        return None
    roots = [
        chain_start(binding.value, depth + 1) if isinstance(binding, Assigned) and binding.value is not None else None
        for binding in owner.bindings[name.id]
        if not _extends(binding, name.id)
    ]
    return roots[0] if len(roots) == 1 else None


def _extends(binding: object, name: str) -> bool:
    """`stmt = stmt.where(…)`: the same statement, narrowed."""
    value = binding.value if isinstance(binding, Assigned) else None
    while isinstance(value, Call | Attribute):
        value = value.func if isinstance(value, Call) else value.value
    return isinstance(value, Name) and value.id == name


def entity_of(ev: Evaluator, file: FileFacts, expr: Expr | None) -> Entity | None:
    """The class that an expression names."""
    if not isinstance(expr, Name | Attribute):
        return None
    found = ev.only(file, expr)
    if isinstance(found, ClassValue):
        return found.node
    name = expr.id if isinstance(expr, Name) else expr.attr
    if not name[:1].isupper() or name.isupper():
        return None
    return NamedEntity(name, file, expr) if isinstance(found, External) or _is_imported(expr, found) else None


def class_of(ev: Evaluator, entity: Entity | None) -> ClassDef | None:
    """The definition of an object's class; its module is read for it if need be."""
    if isinstance(entity, NamedEntity):
        found = class_behind(ev, entity.file, entity.expr)
        return found[1] if found is not None else None
    return entity if isinstance(entity, ClassDef) else None


def _is_imported(expr: Expr, found: object) -> bool:
    """Whether a class comes from a module that was not read, as modules of tables need not be."""
    owner = scope_of(expr).lookup(expr.id) if isinstance(expr, Name) and isinstance(found, Unknown) else None
    return owner is not None and all(isinstance(b, NameImport) for b in owner.bindings[getattr(expr, "id", "")])


def locks_rows(expr: Expr | None) -> bool:
    """Whether a query holds locks to the end of its transaction.

    `select(…).with_for_update()`, on the spot or where the variable is built; `func.pg_advisory_xact_lock(…)`.
    """
    return any(
        isinstance(node, Attribute) and (node.attr in ("with_for_update", "nextval") or node.attr.startswith("pg_"))
        for node in _pieces(expr)
    )


def loads_related(expr: Expr) -> bool:
    """Whether a query, a statement or a `get()`, asks for objects of other classes as well.

    `.options(joinedload(Line.order))`, `get(…, options=[…])`, `.add_columns(Order)`.
    """
    options = [*_given(expr, "options"), *_given(expr, "add_columns"), *_given(expr, "add_entity")]
    by_name = expr.argument(None, "options") if isinstance(expr, Call) else None
    return any(not _stays_in_class(option) for option in (*options, *((by_name,) if by_name is not None else ())))


def _stays_in_class(option: Expr) -> bool:
    """`load_only(Order.id)`: an option that loads nothing else."""
    calls = {last_name(node.func) for node in walk(option) if isinstance(node, Call)}
    return bool(calls) and calls <= _OF_COLUMNS


def _given(expr: Expr | None, method: str) -> Iterator[Expr]:
    """What the calls of a method in a statement are given."""
    for node in _pieces(expr):
        if isinstance(node, Call) and isinstance(node.func, Attribute) and node.func.attr == method:
            yield from (argument.value for argument in node.args)


def _pieces(expr: Expr | None) -> Iterator[Node]:
    if expr is None:
        return
    yield from walk(expr)
    if isinstance(expr, Name):
        owner = scope_of(expr).lookup(expr.id)
        for binding in owner.bindings[expr.id] if owner is not None else ():
            if isinstance(binding, Assigned) and binding.value is not None:
                yield from walk(binding.value)
