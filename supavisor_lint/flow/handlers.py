"""Which exceptions a handler catches, as far as the names of their classes tell."""

from __future__ import annotations

import builtins
import re
from typing import TYPE_CHECKING

from supavisor_lint.facts.handlers import is_broad
from supavisor_lint.facts.statements import Handler
from supavisor_lint.facts.tree import Attribute, Call, Collection, Expr, Name
from supavisor_lint.flow.frame import ANY, Thrown
from supavisor_lint.project.values import ClassValue, External

if TYPE_CHECKING:
    from supavisor_lint.facts.file import FileFacts
    from supavisor_lint.project.evaluate import Evaluator

# What SQLAlchemy and the drivers raise when the database refuses something.
_DATABASE = re.compile(
    r"^(?:SQLAlchemy|DBAPI|Integrity|Operational|Programming|Database|Interface|Statement|Internal|Data|PendingRollback"
    r"|InvalidRequest|Flush|StaleData|Postgres|UniqueViolation|ForeignKeyViolation|Asyncpg)\w*(?:Error)?$"
)
# What SQLAlchemy makes of a driver's error, and what that derives from.
_WRAPPED = re.compile(r"^(?:DBAPI|Integrity|Operational|Programming|Database|Interface|Internal|Data)Error$")
_WRAPPERS = frozenset({"SQLAlchemyError", "DBAPIError"})
# What SQLAlchemy says to a wrong use of a session, among these of one that needs a rollback: not the database's errors.
_MISUSE = frozenset({"InvalidRequestError", "PendingRollbackError"})
_CONNECTION = frozenset({"OSError", "ConnectionError", "TimeoutError", "IOError"})
# InvalidRequestError and what derives from it, and "current transaction is aborted" in its different wrappings.
_REFUSED = frozenset(
    {"InvalidRequestError", "PendingRollbackError", "MissingGreenlet", "DetachedInstanceError", "StatementError"}
    | {"DBAPIError", "DatabaseError", "InternalError", "OperationalError", "InFailedSQLTransactionError"}
    | {"PostgresError", "AsyncpgError"}
)
_MAX_BASES = 8  # classes above one another


class _Cancelled(BaseException):
    """Stands for `asyncio.CancelledError`: importing asyncio only for its name would cost every run."""


def catches(
    handler: Handler, thrown: Thrown, ev: Evaluator | None = None, file: FileFacts | None = None
) -> bool | None:
    """Whether a handler catches an exception: True, False, or None for maybe.

    With an evaluator, and the file that it stands in, its classes are known by other names as well.
    """
    if handler.type is None:
        return True
    names = class_names(handler.type, ev, file)
    if is_broad(handler) and not (_is_no_error(thrown) and "BaseException" not in names):
        return True
    answers = [_catches_one(name, thrown) for name in names]
    return True if True in answers else None if None in answers else False


def passing(handler: Handler, thrown: Thrown, ev: Evaluator | None = None, file: FileFacts | None = None) -> Thrown:
    """An exception that a handler might have caught, and has not."""
    names = class_names(handler.type, ev, file) if handler.type is not None else []
    return thrown._replace(past=thrown.past.union(name for name in names if name))


def _catches_one(name: str, thrown: Thrown) -> bool | None:
    if name in thrown.past or (_WRAPPED.match(name) and not thrown.past.isdisjoint(_WRAPPERS)):
        return False
    if thrown.kind == "database" and name in _MISUSE:
        return False
    if thrown.kind == "database":
        return None if is_database_error(name) or name in _CONNECTION else False
    if thrown.kind == "refused":
        return True if name == "SQLAlchemyError" else None if name in _REFUSED else False
    if thrown.kind == "plain" and is_database_error(name):
        return False
    if thrown.kind in ("any", "plain"):
        return None
    return _catches_class(name, thrown)


def _catches_class(name: str, thrown: Thrown) -> bool | None:
    if name == thrown.name or name in (thrown.bases or ()):
        return True
    caught = _builtin(name)
    raised = [known for one in (thrown.name, *(thrown.bases or ())) if (known := _builtin(one)) is not None]
    if caught is not None and raised:
        return any(issubclass(one, caught) for one in raised)
    return None if thrown.bases is None and not raised else False


def _is_no_error(thrown: Thrown) -> bool:
    """A cancellation, `SystemExit` and the like: `except Exception` lets them through."""
    raised = _builtin(thrown.name) if thrown.kind == "class" else None
    return raised is not None and not issubclass(raised, Exception)


def _builtin(name: str) -> type[BaseException] | None:
    found = _Cancelled if name == "CancelledError" else getattr(builtins, name, None)
    return found if isinstance(found, type) and issubclass(found, BaseException) else None


def is_database_error(name: str) -> bool:
    """Whether a class is one of SQLAlchemy's or a driver's, by its name."""
    return _DATABASE.match(name) is not None


def class_names(expr: Expr, ev: Evaluator | None = None, file: FileFacts | None = None) -> list[str]:
    """The last names of the classes that an `except` lists: as they are spelled, or as they are defined."""
    if isinstance(expr, Collection):
        return [name for item in expr.items for name in class_names(item, ev, file)]
    value = ev.only(file, expr) if ev is not None and file is not None else None
    if isinstance(value, ClassValue):
        return [value.node.name]
    if isinstance(value, External):
        return [value.dotted.rpartition(".")[2]]
    if isinstance(expr, Attribute):
        return [expr.attr]
    return [expr.id] if isinstance(expr, Name) else [""]


def thrown_by(expr: Expr | None, ev: Evaluator | None = None, file: FileFacts | None = None) -> Thrown:
    """What `raise expr` throws; a class without a name for a bare `raise`, which the handler around it knows.

    With an evaluator, and the file that it stands in, the definition of the class is looked up.
    """
    if expr is None:
        return Thrown("class", "")
    if isinstance(expr, Call):
        expr = expr.func
    if isinstance(expr, Name | Attribute):
        name = class_names(expr, ev, file)[0]
        if name[:1].isupper():
            value = ev.only(file, expr) if ev is not None and file is not None else None
            return Thrown(
                "class", name, _ancestors(ev, value) if ev is not None and isinstance(value, ClassValue) else None
            )
    return ANY


def _ancestors(ev: Evaluator, cls: ClassValue, depth: int = 0) -> frozenset[str] | None:
    """The names of all classes that a class of the project derives from; None where they are not all known."""
    found: frozenset[str] = frozenset()
    for base in cls.node.bases:
        value = ev.only(cls.file, base)
        if isinstance(value, ClassValue) and depth < _MAX_BASES:
            above = _ancestors(ev, value, depth + 1)
            if above is None:
                return None
            found |= above | {value.node.name}
        elif isinstance(value, External) and value.root == "builtins":
            found |= {value.dotted.removeprefix("builtins.")}
        else:
            return None
    return found
