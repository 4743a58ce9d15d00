"""Small projects written on the spot, and the findings in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from textwrap import dedent

from supavisor_lint.run import check_paths
from supavisor_lint.settings import Settings

SESSION_MODULE = """
from contextlib import asynccontextmanager
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine("sqlite+aiosqlite://")
async_session_factory = async_sessionmaker(engine)


@asynccontextmanager
async def get_session():
    async with async_session_factory() as session:
        try:
            yield session
            await session.commit()
        except Exception:
            await session.rollback()
            raise


async def raw_session():
    return async_session_factory()
"""
JOB_MODEL = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Job(Base):
    __tablename__ = "jobs"

    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str]
"""


def write(root: Path, files: dict[str, str]) -> None:
    """Write the files (relative path to text) below the root."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")


def findings(root: Path, files: dict[str, str], **settings: object) -> list[str]:
    """What a check of the files says, as `path:line CODE`."""
    write(root, files)
    result = check_paths([root], root, replace(Settings(), **settings))  # type: ignore[arg-type]
    assert result.problems == ()
    return [f"{f.path}:{f.span.line} {f.code}" for f in result.findings]


def confidences(root: Path, files: dict[str, str], **settings: object) -> dict[str, str]:
    """The confidence of each finding, by `path:line CODE`."""
    write(root, files)
    result = check_paths([root], root, replace(Settings(), **settings))  # type: ignore[arg-type]
    return {f"{f.path}:{f.span.line} {f.code}": f.confidence for f in result.findings}
