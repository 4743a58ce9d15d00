"""A project with a job table, whose tasks are brought to the standard template."""

from __future__ import annotations

from pathlib import Path

from project_support import SESSION_MODULE
from rewrite_support import left, rewritten

MODELS = """
import enum

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class JobStatus(str, enum.Enum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class Job(Base):
    __tablename__ = "jobs"

    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(default="pending")
    steps: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int]
"""
TEMPLATE = ("SUP201", "SUP401", "SUP402", "SUP403", "SUP404", "SUP405", "SUP408")


def project(task: str) -> dict[str, str]:
    return {
        "app/__init__.py": "",
        "app/session.py": SESSION_MODULE,
        "app/models.py": MODELS,
        "app/work.py": task,
    }


def after(root: Path, task: str, *codes: str, **settings: object) -> str:
    """What becomes of a module with a task; only the findings of some codes are fixed (default: of the template)."""
    settings = {"select": codes or TEMPLATE, **settings}
    return rewritten(root, project(task), "app/work.py", unsafe=True, **settings)


def reasons(root: Path, task: str, *codes: str, **settings: object) -> list[str]:
    """What is left of a module with a task, and why: `line CODE reason`."""
    settings = {"select": codes or TEMPLATE, **settings}
    return [line.removeprefix("app/work.py:") for line in left(root, project(task), unsafe=True, **settings)]
