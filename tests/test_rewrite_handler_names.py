"""The names of a handler that is written: each means there what the rewrite takes it for, or no handler is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from rewrite_runs import HEAD, ends, project
from rewrite_support import left, rewritten

STATUS = """class Status:
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


"""
WORK = """{before}
    async with get_session() as session:
        async with session.begin():
            await session.execute(update(Job).where(Job.id == {id}).values(status=Status.PROCESSING))
        await step()
        async with session.begin():
            await session.execute(update(Job).where(Job.id == {id}).values(status=Status.COMPLETED))
        {after}
"""
TASK = "async def work_with_own_session(job_id):\n    "


def files_of(
    *, before: str = "pass", after: str = "pass", key: str = "job_id", head: str = HEAD, task: str = TASK
) -> dict[str, str]:
    """A project whose task writes its status in two blocks."""
    files = project("")
    files["app/work.py"] = head + STATUS + task + WORK.format(before=before, after=after, id=key)
    return files


def records_each_failure(root: Path, files: dict[str, str]) -> bool:
    """Whether the rewritten task ends without an error, and as failed wherever its work fails once."""
    after = rewritten(root, files, "app/work.py", unsafe=True)
    return {end.escaped for end in ends(after, files, root, (1,))} == {""} and "status=Status.FAILED" in after


def test_a_logger_of_the_module_and_a_plain_parameter_will_do(tmp_path: Path) -> None:
    assert records_each_failure(tmp_path, files_of())


def test_a_deleted_parameter_is_not_logged(tmp_path: Path) -> None:
    files = files_of(before="kept = job_id\n    del job_id", key="kept")
    assert records_each_failure(tmp_path, files)


@pytest.mark.parametrize("deletion", ["del job_id", "del (job_id, session)"])
def test_a_row_whose_key_the_task_deletes_is_not_found_by_it(tmp_path: Path, deletion: str) -> None:
    said = left(tmp_path, files_of(after=deletion), unsafe=True)
    assert any("needs `job_id`, which may not be bound when the handler runs" in line for line in said)


TAKEN = {
    "a loop's variable": files_of(before="for logger in (1, 2): pass"),
    "a parameter": files_of(task="async def work_with_own_session(job_id, logger=None):\n    "),
    "bound further down": files_of(after="logger = logging.getLogger('other')\n        logger.info('done')"),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_logger_that_the_task_hides_is_not_used(tmp_path: Path, name: str) -> None:
    said = left(tmp_path, TAKEN[name], unsafe=True)
    assert any("SUP401 the file has no logger to use, and the name `logger` is taken" in line for line in said)


@pytest.mark.parametrize(
    "files",
    [files_of(before="Exception = ValueError"), files_of(head=HEAD + "class Exception(ValueError): pass\n\n\n")],
)
def test_no_handler_where_exception_means_something_else(tmp_path: Path, files: dict[str, str]) -> None:
    said = left(tmp_path, files, unsafe=True)
    assert any("SUP401 `Exception` means something else here" in line for line in said)


PLACES = {
    "only for types": "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import logging\n",
    "further down": "import json\n\nif json:\n    import logging\n",
    "with a submodule": "import logging.config\n",
}


@pytest.mark.parametrize("name", PLACES)
def test_a_new_logger_finds_its_module_at_the_head(tmp_path: Path, name: str) -> None:
    head = HEAD.replace("logger = logging.getLogger(__name__)\n", "").replace("import logging\n", PLACES[name])
    files = files_of(head=head)
    assert records_each_failure(tmp_path, files)
