"""What SUP103 says is lost where a loop over a dependency is left, and of whom a raw session waits."""

from __future__ import annotations

from pathlib import Path

import pytest
from project_support import write

from supavisor_lint.run import check_paths
from supavisor_lint.settings import Settings
from tests.session_loop_support import ADD, BEGIN, GENERATORS, INSERT, READ, WORK, loop
from tests.template_support import MODELS

LATE = "its generator is closed only when it is collected"
LOST = "uncommitted writes are lost"
MAYBE = "uncommitted writes may be lost"


def messages(root: Path, body: str) -> list[str]:
    files = {
        "app/__init__.py": "",
        "app/models.py": MODELS,
        "app/database.py": GENERATORS,
        "app/work.py": WORK.replace("BODY", body.replace("\n", "\n    ")),
    }
    write(root, files)
    return [f.message for f in check_paths([root], root, Settings()).findings if f.code == "SUP103"]


@pytest.mark.parametrize("end", ["break", "return job_id"])
@pytest.mark.parametrize(
    ("statements", "said"),
    [
        ((READ,), LATE),
        ((ADD, "await session.commit()"), LATE),
        ((READ, "job.status = 'a'", "await session.commit()"), LATE),
        ((BEGIN, f"    {ADD}"), LATE),
        ((ADD, "await session.rollback()"), LATE),
        ((ADD,), LOST),
        ((INSERT, "await session.commit()", ADD), LOST),
        (("if names:", f"    {ADD}"), LOST),
        ((ADD, "risky(session)"), MAYBE),
        (("risky(session)",), MAYBE),
        (("await begins(session)",), LATE),
        (("isinstance(session, Job)",), LATE),
    ],
)
def test_it_says_what_is_lost_only_where_it_is(
    tmp_path: Path, statements: tuple[str, ...], end: str, said: str
) -> None:
    (message,) = messages(tmp_path, loop(*statements, end))
    assert f"the dependency's code after its `yield` does not run then, {said};" in message
