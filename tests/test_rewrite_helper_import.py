"""SUP105 and SUP601: the import of the session helper, where it is missing and where it stands elsewhere."""

from __future__ import annotations

from pathlib import Path

from rewrite_support import fix_project, rewritten
from swap_support import KEEPING, project, verdict

USE = '''\
async def process(job_id):
    """Works."""
    # the session
    async with get_session() as session:
        await session.rollback()
'''


def test_a_missing_helper_is_imported_in_the_function(tmp_path: Path) -> None:
    assert rewritten(tmp_path, project(USE), "app/work.py", select=("SUP105",)) == USE.replace(
        "    # the session\n", "    from app.session import get_session\n\n    # the session\n"
    )


def test_two_uses_in_one_function_need_one_import(tmp_path: Path) -> None:
    work = USE + USE[USE.index("    async with") :]
    after = rewritten(tmp_path, project(work), "app/work.py", select=("SUP105",))
    assert after.count("import") == 1


def test_two_functions_need_two(tmp_path: Path) -> None:
    work = USE + "\n\n" + USE.replace("process", "refresh")
    after = rewritten(tmp_path, project(work), "app/work.py", select=("SUP105",))
    assert after.count("    from app.session import get_session\n") == 2


def test_an_import_for_types_only_stays(tmp_path: Path) -> None:
    head = "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from app.session import get_session\n\n\n"
    after = rewritten(tmp_path, project(head + USE), "app/work.py", select=("SUP105",), import_style="module")
    assert after == head + USE.replace(
        "    # the session\n", "    from app.session import get_session\n\n    # the session\n"
    )


def test_several_definitions_are_left(tmp_path: Path) -> None:
    files = project(USE) | {"app/other.py": KEEPING}
    found = fix_project(tmp_path, files, select=("SUP105",)).result.findings
    assert [f.no_fix_reason for f in found] == [
        "several definitions of `get_session` fit (app/other.py, app/session.py): "
        "name the one to use with the setting `helper`"
    ]
    chosen = rewritten(tmp_path, files, "app/work.py", select=("SUP105",), helper="app.other.get_session")
    assert "from app.other import get_session\n" in chosen


def test_no_definition_is_left(tmp_path: Path) -> None:
    found = verdict(tmp_path, USE, "SUP105", "")
    assert found == "no fix: nothing in the project defines `get_session`: say where it is with the setting `helper`"


def test_a_factory_is_not_imported(tmp_path: Path) -> None:
    work = USE.replace("get_session()", "async_session_factory()")
    assert "is a session factory: use the session helper" in verdict(tmp_path, work, "SUP105")


def test_a_helper_that_is_not_entered_is_left(tmp_path: Path) -> None:
    work = "async def process(job_id):\n    session = get_session()\n    await session.rollback()\n"
    assert "is not entered with `async with`" in verdict(tmp_path, work, "SUP105")


def test_outside_of_functions_it_is_left(tmp_path: Path) -> None:
    work = "session = get_session()\n"
    assert "read outside of any function" in verdict(tmp_path, work, "SUP105")


# --------------------------------------------------------------------------------------------------- its place

TASK = """\
import logging

from app.session import engine, get_session

logger = logging.getLogger(__name__)


async def process_with_own_session(job_id):
    async with get_session() as session:
        await session.execute(engine)


async def other(job_id):
    async with get_session() as session:
        await session.execute(engine)
"""
INSIDE = """\
import logging

from app.session import engine

logger = logging.getLogger(__name__)


async def process_with_own_session(job_id):
    from app.session import get_session

    async with get_session() as session:
        await session.execute(engine)


async def other(job_id):
    from app.session import get_session

    async with get_session() as session:
        await session.execute(engine)
"""


def test_the_import_goes_into_the_functions(tmp_path: Path) -> None:
    assert rewritten(tmp_path, project(TASK), "app/work.py", select=("SUP601",)) == INSIDE


def test_a_whole_import_goes(tmp_path: Path) -> None:
    work = TASK.replace("engine, get_session", "get_session  # ours").replace("execute(engine)", "rollback()")
    after = rewritten(tmp_path, project(work), "app/work.py", select=("SUP601",))
    assert after.startswith("import logging\n\n# ours\n\nlogger")


def test_an_import_that_others_take_stays(tmp_path: Path) -> None:
    files = project(TASK) | {"app/more.py": "from app.work import get_session\n\nprint(get_session)\n"}
    found = fix_project(tmp_path, files, select=("SUP601",)).result.findings
    assert [f.no_fix_reason for f in found] == ["other modules take `get_session` from here"]


def test_an_import_that_the_module_needs_stays(tmp_path: Path) -> None:
    found = verdict(tmp_path, TASK + "\n\nprint(get_session)\n", "SUP601")
    assert found == "no fix: `get_session` is needed at module level (line 18)"


def test_the_import_goes_to_the_module(tmp_path: Path) -> None:
    after = rewritten(tmp_path, project(INSIDE), "app/work.py", select=("SUP601",), import_style="module")
    assert "    from app.session import get_session\n" not in after[: after.index("async def other")]
    assert "\nfrom app.session import engine, get_session\n" in after


def test_no_cycle_is_opened(tmp_path: Path) -> None:
    module = KEEPING + "\nfrom app import tables\n"
    files = project(INSIDE, module) | {"app/tables.py": "import app.work\n"}
    found = fix_project(tmp_path, files, select=("SUP601",), import_style="module").result.findings
    assert [f.no_fix_reason for f in found] == ["an import at module level would close a cycle"]
