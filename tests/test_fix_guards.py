"""What the loop refuses to write, one guard at a time: the file stays as it was, and the others are fixed."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_support import invoke
from fix_support import BROKEN, LINE, MENDED, NOT_CALLED, app_fixture, replacing  # noqa: F401

from supavisor_lint.rewrites import REWRITES


def failed(app: Path, reason: str) -> None:
    """`--fix` leaves work.py with the reason in one line, and fixes other.py."""
    other = app / "app" / "other.py"
    other.write_text("from app.session import get_session\n\nx = 1  # noqa: SUP101\n", "utf-8")
    result = invoke("check", "--fix")
    lines = [line for line in result.stderr.splitlines() if "error:" in line]
    assert lines == [f"supavisor-lint: error: app/work.py: fix failed: {reason}"]
    assert result.exit_code == 2
    assert (app / "app" / "work.py").read_text("utf-8") == BROKEN
    assert other.read_text("utf-8") == "from app.session import get_session\n\nx = 1\n"
    assert "app/work.py:5:10: SUP104" in result.stdout


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (LINE, "async with get_session() as session:", "a comment would be lost: # entered"),
        (LINE, "async with (  # entered", "the rewritten code does not parse"),
        (LINE, f"async {LINE}\n        nonlocal nothing", "the rewritten code does not compile"),
        (LINE, "async with get_sessions() as session:  # entered", "nothing would bind `get_sessions`"),
        ("async def work():\n", "async def work():\n    pass\n", "SUP104 would still be found in the rewritten code"),
        (
            f"{LINE}\n        await session.commit()  # noqa: E501",
            f"async {LINE}\n        await session.commit()",
            "a comment would be lost: # noqa: E501",
        ),
        ("from app.session import get_session\n", "", "nothing would bind `get_session`"),
    ],
)
def test_a_rewrite_that_breaks_the_code(
    app: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, reason: str
) -> None:
    monkeypatch.setitem(REWRITES, "SUP104", replacing((old, new)))
    (app / "app" / "stuck.py").unlink()
    failed(app, reason)


def test_a_rewrite_that_brings_other_findings(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (app / "app" / "stuck.py").unlink()
    direct = "from app.session import async_session_factory\n        wrong = async_session_factory()"
    monkeypatch.setitem(REWRITES, "SUP104", replacing((LINE, f"async {LINE}\n        {direct}")))
    monkeypatch.delitem(REWRITES, "SUP101")
    failed(app, "the rewritten code has more findings of SUP101 than before, in `work`")


def test_rewrites_that_undo_one_another(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (app / "app" / "stuck.py").unlink()
    noqa = "async def work():  # noqa: SUP302"
    original = REWRITES["SUP901"]
    undo = replacing((f"async {LINE}", LINE), (noqa, "async def work():"))
    monkeypatch.setitem(REWRITES, "SUP104", replacing((LINE, f"async {LINE}"), ("async def work():", noqa)))
    monkeypatch.setitem(REWRITES, "SUP901", lambda c, f: (undo if f.path == "app/work.py" else original)(c, f))
    failed(app, "the rewrites have not come to rest after 10 rounds")


def test_a_rewrite_that_contradicts_itself(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (app / "app" / "stuck.py").unlink()
    monkeypatch.setitem(REWRITES, "SUP104", replacing((LINE, f"async {LINE}"), ("as session", "as session")))
    failed(app, "the rewrite contradicts itself: edits over one another at line 5")


def test_a_text_that_the_encoding_cannot_hold(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (app / "app" / "stuck.py").unlink()
    data = ("# coding: latin-1\n# \xe9\n" + BROKEN).encode("latin-1")
    (app / "app" / "work.py").write_bytes(data)
    monkeypatch.setitem(REWRITES, "SUP104", replacing((LINE, f"async {LINE} \N{RIGHTWARDS ARROW}")))
    result = invoke("check", "--fix")
    assert (result.exit_code, (app / "app" / "work.py").read_bytes()) == (2, data)
    assert "app/work.py: fix failed: iso-8859-1 cannot encode '\\u2192'\n" in result.stderr


def test_all_is_well_with_the_real_rewrite(app: Path) -> None:
    (app / "app" / "stuck.py").unlink()
    (app / "app" / "uncalled.py").write_text(NOT_CALLED, "utf-8")
    result = invoke("check", "--fix")
    assert (result.exit_code, result.stdout) == (0, "")
    assert (app / "app" / "work.py").read_text("utf-8") == MENDED
    assert (app / "app" / "uncalled.py").read_text("utf-8") == MENDED


# Other files

FINISHING = BROKEN + "\n\nasync def finish(session):\n    await session.flush()\n"
OTHER = """\
from app.session import get_session
from app.work import finish


async def other(job):
    async with get_session() as session, session.begin():
        await finish(session)
        session.add(job)
"""


def finishing_otherwise(app: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    """`finish` in work.py has `old`, and a rewrite puts `new` there as well."""
    (app / "app" / "stuck.py").unlink()
    (app / "app" / "work.py").write_text(FINISHING.replace("flush", old), "utf-8")
    rewrite = replacing((LINE, f"async {LINE}"), (f"session.{old}()\n", f"session.{new}()\n"))
    original = REWRITES["SUP104"]
    monkeypatch.setitem(REWRITES, "SUP104", lambda c, f: (rewrite if f.path == "app/work.py" else original)(c, f))


def test_a_rewrite_that_brings_findings_in_another_file(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finishing_otherwise(app, monkeypatch, "flush", "rollback")
    (app / "app" / "other.py").write_text(OTHER, "utf-8")
    (app / "app" / "third.py").write_text(BROKEN, "utf-8")
    assert invoke("check", "app/other.py").exit_code == 0
    result = invoke("check", "--fix")
    lines = [line for line in result.stderr.splitlines() if "error:" in line]
    reason = "`app/other.py`, with the code rewritten here, has more findings of SUP303 than before, in `other`"
    assert lines == [f"supavisor-lint: error: app/work.py: fix failed: {reason}"]
    assert (result.exit_code, "SUP303" in result.stdout) == (2, False)
    assert (app / "app" / "work.py").read_text("utf-8") == FINISHING
    assert (app / "app" / "third.py").read_text("utf-8") == MENDED


def test_what_a_rewrite_settles_in_another_file_is_no_fault(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finishing_otherwise(app, monkeypatch, "rollback", "flush")
    (app / "app" / "other.py").write_text(OTHER, "utf-8")
    assert "SUP303" in invoke("check", "app/other.py").stdout
    result = invoke("check", "--fix")
    assert (result.exit_code, result.stdout) == (0, "")


def test_what_becomes_fixable_in_another_file_is_fixed_in_the_same_run(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finishing_otherwise(app, monkeypatch, "rollback", "flush")
    silenced = OTHER.replace("finish(session)\n", "finish(session)  # noqa: SUP303\n")
    (app / "app" / "other.py").write_text(silenced, "utf-8")
    assert invoke("check", "app/other.py").exit_code == 0
    result = invoke("check", "--fix")
    assert (result.exit_code, result.stdout) == (0, "")
    assert (app / "app" / "other.py").read_text("utf-8") == OTHER
