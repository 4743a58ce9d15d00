"""Questions about classes of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supavisor_lint.project.values import ClassValue, External
from supavisor_lint.project.vocabulary import FACTORY_MAKERS, SESSION_CLASSES

if TYPE_CHECKING:
    from supavisor_lint.project.evaluate import Evaluator


def is_session_class(ev: Evaluator, cls: ClassValue) -> bool:
    """Whether a class of the project is a subclass of AsyncSession."""
    return _is_subclass(ev, cls, SESSION_CLASSES)


def is_factory_class(ev: Evaluator, cls: ClassValue) -> bool:
    """Whether a class of the project is a subclass of async_sessionmaker."""
    return _is_subclass(ev, cls, FACTORY_MAKERS)


def _is_subclass(ev: Evaluator, cls: ClassValue, names: frozenset[str], depth: int = 0) -> bool:
    for base in cls.node.bases:
        for value in ev.values(cls.file, base):
            if isinstance(value, External) and value.dotted in names:
                return True
            if isinstance(value, ClassValue) and depth < 8 and _is_subclass(ev, value, names, depth + 1):
                return True
    return False
