"""Questions about classes of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supavisor_lint.project.values import ClassValue, External
from supavisor_lint.project.vocabulary import SESSION_CLASSES

if TYPE_CHECKING:
    from supavisor_lint.project.evaluate import Evaluator


def is_session_class(ev: Evaluator, cls: ClassValue, depth: int = 0) -> bool:
    """Whether a class of the project is a subclass of AsyncSession."""
    for base in cls.node.bases:
        for value in ev.values(cls.file, base):
            if isinstance(value, External) and value.dotted in SESSION_CLASSES:
                return True
            if isinstance(value, ClassValue) and depth < 8 and is_session_class(ev, value, depth + 1):
                return True
    return False
