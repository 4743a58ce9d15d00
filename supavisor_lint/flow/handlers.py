"""Which exceptions a handler catches, as far as the names of their classes tell."""

from __future__ import annotations

import builtins
import re

from supavisor_lint.facts.handlers import is_broad
from supavisor_lint.facts.statements import Handler
from supavisor_lint.facts.tree import Attribute, Call, Collection, Expr, Name
from supavisor_lint.flow.frame import ANY, Thrown

# What SQLAlchemy and the drivers raise when the database refuses something.
_DATABASE = re.compile(
    r"^(?:SQLAlchemy|DBAPI|Integrity|Operational|Programming|Database|Interface|Statement|Internal|Data|PendingRollback"
    r"|InvalidRequest|Flush|StaleData|Postgres|UniqueViolation|ForeignKeyViolation|Asyncpg)\w*(?:Error)?$"
)
# What SQLAlchemy says to a wrong use of a session, among these of one that needs a rollback: not the database's errors.
_MISUSE = frozenset({"InvalidRequestError", "PendingRollbackError"})
_CONNECTION = frozenset({"OSError", "ConnectionError", "TimeoutError", "IOError"})
# InvalidRequestError and what derives from it, and "current transaction is aborted" in its different wrappings.
_REFUSED = frozenset(
    {"InvalidRequestError", "PendingRollbackError", "MissingGreenlet", "DetachedInstanceError", "StatementError"}
    | {"DBAPIError", "DatabaseError", "InternalError", "OperationalError", "InFailedSQLTransactionError"}
    | {"PostgresError", "AsyncpgError"}
)


class _Cancelled(BaseException):
    """Stands for `asyncio.CancelledError`: importing asyncio only for its name would cost every run."""


def catches(handler: Handler, thrown: Thrown) -> bool | None:
    """Whether a handler catches an exception: True, False, or None for maybe."""
    if handler.type is None:
        return True
    if is_broad(handler) and not (_is_no_error(thrown) and "BaseException" not in class_names(handler.type)):
        return True
    answers = [_catches_one(name, thrown) for name in class_names(handler.type)]
    return True if True in answers else None if None in answers else False


def _catches_one(name: str, thrown: Thrown) -> bool | None:
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
    if name == thrown.name:
        return True
    caught, raised = _builtin(name), _builtin(thrown.name)
    if caught is not None and raised is not None:
        return issubclass(raised, caught)
    return None if raised is None else False


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


def class_names(expr: Expr) -> list[str]:
    """The last names of the classes that an `except` lists."""
    if isinstance(expr, Collection):
        return [name for item in expr.items for name in class_names(item)]
    if isinstance(expr, Attribute):
        return [expr.attr]
    return [expr.id] if isinstance(expr, Name) else [""]


def thrown_by(expr: Expr | None) -> Thrown:
    """What `raise expr` throws; a class without a name for a bare `raise`, which the handler around it knows."""
    if expr is None:
        return Thrown("class", "")
    if isinstance(expr, Call):
        expr = expr.func
    if isinstance(expr, Name | Attribute):
        name = expr.id if isinstance(expr, Name) else expr.attr
        if name[:1].isupper():
            return Thrown("class", name)
    return ANY
