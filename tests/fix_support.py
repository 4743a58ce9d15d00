"""What the tests of the faces of fixing share: a small project in the current folder, and rewrites that misbehave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from project_support import SESSION_MODULE, write

from supavisor_lint.findings import Edit, Finding, Fix, Span
from supavisor_lint.rewrites.base import Context

BROKEN = """\
from app.session import get_session


async def work():
    with get_session() as session:  # entered
        await session.commit()  # noqa: E501
"""
MENDED = BROKEN.replace("    with", "    async with")
STUCK = """\
from app.session import get_session


def work():
    with get_session() as session:
        session.commit()
"""
NOT_CALLED = BROKEN.replace("    with get_session()", "    async with get_session")
LINE = "with get_session() as session:  # entered"


@pytest.fixture(name="app")
def app_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`app/work.py` (safe fix), `app/stuck.py` (no fix); gives the root, which is the current folder."""
    write(
        tmp_path, {"pyproject.toml": "[tool.supavisor-lint]\n", "app/__init__.py": "", "app/session.py": SESSION_MODULE}
    )
    write(tmp_path, {"app/work.py": BROKEN, "app/stuck.py": STUCK})
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM", "PYTHONIOENCODING"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def replacing(*changes: tuple[str, str], applicability: str = "safe") -> Callable[[Context, Finding], Fix]:
    """A rewrite that replaces pieces of the text, whatever the finding says."""

    def propose(context: Context, finding: Finding) -> Fix:
        edits = []
        for old, new in changes:
            start = context.source.text.index(old)
            edits.append(Edit(Span(*context.source.position(start), *context.source.position(start + len(old))), new))
        return context.fix(applicability, "Misbehave", edits)  # type: ignore[arg-type]

    return propose
