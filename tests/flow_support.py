"""A project of one function whose sessions are followed."""

from __future__ import annotations

from pathlib import Path

from tests.project_support import findings
from tests.template_support import MODELS

DATABASE = """
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("sqlite+aiosqlite://")
sessions = async_sessionmaker(engine, expire_on_commit=False)
expiring = async_sessionmaker(engine)
"""


def faults(root: Path, work: str, body: str, database: str = DATABASE) -> list[str]:
    """The code of each finding, with the text of its line; `body` stands for BODY in `work`, with its indentation."""
    indent = next((line.removesuffix("BODY") for line in work.splitlines() if line.strip() == "BODY"), "")
    code = work.replace("BODY", body.strip().replace("\n", f"\n{indent}"))
    files = {"app/database.py": database, "app/models.py": MODELS, "app/work.py": code}
    lines = code.splitlines()
    told = [line.partition(":")[2].split() for line in findings(root, files, profile="hazards")]
    return [f"{found} {lines[int(number) - 1].strip()}" for number, found in told]
