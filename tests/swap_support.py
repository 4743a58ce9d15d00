"""Sessions that are opened in many ways: what becomes of them when the helper takes their place."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

from project_support import SESSION_MODULE
from rewrite_support import fix_project

MODELS = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Job(Base):
    __tablename__ = "jobs"
    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str]
"""

KEEPING = SESSION_MODULE.replace("async_sessionmaker(engine)", "async_sessionmaker(engine, expire_on_commit=False)")

HEAD = """
import asyncio
import logging

from sqlalchemy import func, insert, select, text, update

from app.models import Job
from app.session import async_session_factory

logger = logging.getLogger(__name__)


"""


def project(work: str, session_module: str = KEEPING) -> dict[str, str]:
    """A small project with some work in `app/work.py`."""
    return {
        "app/__init__.py": "",
        "app/models.py": MODELS,
        "app/session.py": session_module,
        "app/work.py": work,
    }


def function(body: str, head: str = "async def work(job_id):") -> str:
    """A module whose function has this body."""
    return HEAD.lstrip() + head + "\n" + indent(dedent(body).strip("\n"), "    ") + "\n"


def verdict(root: Path, work: str, code: str = "SUP101", session_module: str = KEEPING, **settings: object) -> str:
    """`safe`, `unsafe: what is in doubt`, or `no fix: reason`, for the first finding of a code."""
    fixed = fix_project(root, project(work, session_module), select=(code,), **settings)
    if fixed.fixed:
        return "safe"
    found = fixed.result.findings[0]
    return f"no fix: {found.no_fix_reason}" if found.fix is None else f"unsafe: {found.fix.title.partition(': ')[2]}"


def swapped(root: Path, work: str, *, unsafe: bool = False, code: str = "SUP101", **settings: object) -> str:
    """What becomes of `app/work.py`; it must compile."""
    fixed = fix_project(root, project(work), select=(code,), unsafe=unsafe, **settings)
    after = next(c.after for c in fixed.changes if c.path == "app/work.py")
    compile(after, "work.py", "exec")
    return after
