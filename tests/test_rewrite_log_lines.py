"""SUP403, SUP405, SUP408: the log lines of a task, and the logger that they use."""

from __future__ import annotations

from pathlib import Path

import pytest
from project_support import write
from template_support import after, reasons

TASK = """

# supavisor-lint: task
async def process(job_id: int) -> None:
    async with get_session() as session, session.begin():
        await session.execute(update(Job))
"""
IMPORTS = "from sqlalchemy import update\nfrom app.models import Job\nfrom app.session import get_session\n"


# --------------------------------------------------------------------------------------------------------- the logger


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("import logging\nlog = logging.getLogger('x')\n", 'log.info("process: started (job_id=%s)", job_id)'),
        ("from loguru import logger\n", 'logger.info(f"process: started ({job_id=})")'),
        ("import structlog\n_logger = structlog.get_logger()\n", '_logger.info(f"process: started ({job_id=})")'),
        (
            "from app.log import audit_log\ndef other():\n    audit_log.info('%s', 1)\n",
            'audit_log.info("process: started (job_id=%s)", job_id)',
        ),
        (
            "import logging\ndef other():\n    logging.warning('x')\n",
            'logging.info("process: started (job_id=%s)", job_id)',
        ),
    ],
)
def test_the_logger_of_the_file_is_used(tmp_path: Path, head: str, line: str) -> None:
    found = after(tmp_path, head + IMPORTS + TASK, "SUP408")
    assert f"-> None:\n    {line}\n" in found
    assert found.count("getLogger") == head.count("getLogger")


def test_a_file_without_a_logger_gets_one(tmp_path: Path) -> None:
    source = '"""Work."""\nfrom __future__ import annotations\n\n' + IMPORTS + TASK
    found = after(tmp_path, source, "SUP408")
    assert "annotations\n\nimport logging\n\nfrom sqlalchemy import update\n" in found
    assert "import get_session\n\nlogger = logging.getLogger(__name__)\n\n\n# supavisor-lint: task\n" in found


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        ("import asyncio\nimport os\n\n", "import asyncio\nimport logging\nimport os\n\nfrom sqlalchemy"),
        (
            "import asyncio\nfrom os import path\n\n",
            "import asyncio\nimport logging\nfrom os import path\n\n",
        ),
        ("import fastapi\n", "import logging\n\nimport fastapi\nfrom sqlalchemy"),
        ("from os import path\n", "import logging\nfrom os import path\nfrom sqlalchemy"),
        ("from . import base\n", "import logging\n\nfrom . import base\n"),
    ],
)
def test_the_import_of_logging_keeps_the_order_of_the_imports(tmp_path: Path, head: str, wanted: str) -> None:
    assert wanted in after(tmp_path, head + IMPORTS + TASK, "SUP408")


def test_two_tasks_share_the_new_logger(tmp_path: Path) -> None:
    found = after(tmp_path, IMPORTS + TASK + TASK.replace("process", "other"), "SUP408")
    assert (found.count("getLogger"), found.count("import logging"), found.count("logger.info(")) == (1, 1, 2)


@pytest.mark.parametrize("taken", ["logger = 3\n", "def other(logger):\n    return logger\n", "logging = None\n"])
def test_a_taken_name_is_no_logger(tmp_path: Path, taken: str) -> None:
    source = IMPORTS + taken + TASK
    if taken == "logger = 3\n":
        return  # it is named like one: taken at its word
    assert after(tmp_path, source, "SUP408") == source
    assert "is taken" in reasons(tmp_path, source, "SUP408")[0]


@pytest.mark.parametrize("head", ["from app.words import log\n", "def log(text):\n    print(text)\n"])
def test_a_function_is_no_logger(tmp_path: Path, head: str) -> None:
    write(tmp_path, {"app/words.py": "def log(text):\n    print(text)\n"})
    found = after(tmp_path, IMPORTS + head + TASK, "SUP408")
    assert "    logger.info(" in found and "log.info" not in found


def test_the_logger_of_the_object(tmp_path: Path) -> None:
    source = IMPORTS + (
        "class Service:\n"
        "    async def run_with_own_session(self, job_id, password, payload):\n"
        "        async with get_session() as session, session.begin():\n"
        "            await session.execute(update(Job).values(steps=payload.steps))\n"
        "        self._logger.info('done %s', job_id)\n"
    )
    found = after(tmp_path, source, "SUP408")
    assert '        self._logger.info("run_with_own_session: started (job_id=%s)", job_id)\n' in found


def test_secrets_and_objects_are_not_logged(tmp_path: Path) -> None:
    params = "api_key: str, prompt_text: str, email: str, row: Job, days: int = 3, *rest"
    source = IMPORTS + "import logging\n" + TASK.replace("job_id: int", params)
    assert 'process: started (days=%s)", days)' in after(tmp_path, source, "SUP408")


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ("job_id, tenant_id", 'started (job_id=%s, tenant_id=%s)", job_id, tenant_id)'),
        ("reconciliation_job_id, tenant_id", 'started (reconciliation_job_id=%s)", reconciliation_job_id)'),
    ],
)
def test_a_log_line_tells_as_much_as_a_line_can_take(tmp_path: Path, parameters: str, told: str) -> None:
    task = TASK.replace("process(job_id: int)", f"reconcile_payments({parameters})")
    assert told in after(tmp_path, IMPORTS + "import logging\n" + task, "SUP408")


# --------------------------------------------------------------------------------------------------------------- 408


def test_the_start_log_stands_behind_the_docstring(tmp_path: Path) -> None:
    source = "import logging\n" + IMPORTS + TASK.replace("None:\n", 'None:\n    """Doc."""\n\n    # soon\n')
    assert '"""Doc."""\n\n    logger.info(' in after(tmp_path, source, "SUP408")


# --------------------------------------------------------------------------------------------------------------- 405

HANDLER = (
    "import logging\n"
    "logger = logging.getLogger(__name__)\n"
    + IMPORTS
    + """

async def process_with_own_session(job_id):
    try:
        async with get_session() as session, session.begin():
            await session.execute(update(Job))
    HANDLER
"""
)
IGNORED = 'logger.exception("process_with_own_session: an error is ignored (job_id=%s)", job_id)'


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        ("except Exception:\n        pass", f"except Exception:\n        {IGNORED}"),
        ("except: pass  # why", f"except: {IGNORED}  # why"),
        ("except Exception: x = 1; y = 2", f"except Exception: {IGNORED}; x = 1; y = 2"),
        ("except Exception:\n        x = 1; y = 2", f"except Exception:\n        {IGNORED}\n        x = 1; y = 2"),
        (
            "except Exception:\n        # never mind\n        return None",
            f"except Exception:\n        {IGNORED}\n        # never mind\n        return None",
        ),
        (
            "except Exception:\n        if job_id:\n            pass",
            f"except Exception:\n        {IGNORED}\n        if job_id:\n            pass",
        ),
    ],
)
def test_a_silent_handler_logs(tmp_path: Path, handler: str, expected: str) -> None:
    source = HANDLER.replace("HANDLER", handler)
    assert after(tmp_path, source, "SUP405") == HANDLER.replace("HANDLER", expected)


FAILED = 'logger.exception("process_with_own_session: failed (job_id=%s)", job_id)'
RECORDING = [
    "        async with get_session() as other, other.begin():\n"
    "            await other.execute(update(Job).values(status='failed'))",
    "        await mark_failed(job_id)",
    "        job.status = 'failed'",
]


@pytest.mark.parametrize("body", RECORDING)
def test_the_log_line_says_that_the_task_failed_where_the_handler_records_it(tmp_path: Path, body: str) -> None:
    source = HANDLER.replace("HANDLER", f"except Exception:\n{body}")
    expected = HANDLER.replace("HANDLER", f"except Exception:\n        {FAILED}\n{body}")
    assert after(tmp_path, source, "SUP405") == expected


def test_the_finally_beside_a_handler_may_record_it(tmp_path: Path) -> None:
    end = "    finally:\n        job.status = 'failed'"
    source = HANDLER.replace("HANDLER", f"except Exception:\n        pass\n{end}")
    assert after(tmp_path, source, "SUP405") == HANDLER.replace(
        "HANDLER", f"except Exception:\n        {FAILED}\n{end}"
    )


@pytest.mark.parametrize(
    "handler",
    [
        "except Exception:\n        raise",
        "except ValueError:\n        pass",
        "except Exception:\n        print('x')",
        "except Exception as error:\n        return error",
    ],
)
def test_a_handler_that_speaks_is_left(tmp_path: Path, handler: str) -> None:
    source = HANDLER.replace("HANDLER", handler)
    assert after(tmp_path, source, "SUP405") == source


# --------------------------------------------------------------------------------------------------------------- 403


def test_the_failure_update_is_guarded_with_all_behind_it(tmp_path: Path) -> None:
    source = HANDLER.replace(
        "HANDLER",
        """except Exception:
        logger.exception("failed")
        await session.rollback()
        # the status
        job = await session.get(Job, job_id)
        job.status = "failed"
        await session.commit()  # saved
        raise""",
    )
    found = after(tmp_path, source, "SUP403")
    assert found.endswith(
        """except Exception:
        logger.exception("failed")
        try:
            await session.rollback()
            # the status
            job = await session.get(Job, job_id)
            job.status = "failed"
            await session.commit()  # saved
        except Exception:
            logger.exception("process_with_own_session: the failure could not be recorded (job_id=%s)", job_id)
        raise
"""
    )


def test_the_row_that_is_read_in_a_block_of_its_own_is_guarded_with_it(tmp_path: Path) -> None:
    source = HANDLER.replace(
        "HANDLER",
        """except Exception:
        logger.exception("failed")
        async with session.begin():
            job = await session.get(Job, job_id)
        if job:
            async with session.begin():
                job.status = "failed"\n""",
    )
    found = after(tmp_path, source, "SUP403")
    assert found.rstrip("\n").endswith(
        """except Exception:
        logger.exception("failed")
        try:
            async with session.begin():
                job = await session.get(Job, job_id)
            if job:
                async with session.begin():
                    job.status = "failed"
        except Exception:
            logger.exception("process_with_own_session: the failure could not be recorded (job_id=%s)", job_id)"""
    )


def test_a_guarded_update_is_left(tmp_path: Path) -> None:
    source = HANDLER.replace(
        "HANDLER",
        """except Exception:
        logger.exception("failed")
        try:
            await session.execute(update(Job).values(status="failed"))
        except Exception:
            logger.exception("failed twice")""",
    )
    assert after(tmp_path, source, "SUP403") == source


SILENTLY_GUARDED = HANDLER.replace(
    "HANDLER",
    """except Exception:
        logger.exception("failed")
        try:
            await session.execute(update(Job).values(status="failed"))
        except Exception:
            pass""",
)


def test_an_update_in_a_silent_try_is_guarded_by_its_log_line_alone(tmp_path: Path) -> None:
    found = after(tmp_path, SILENTLY_GUARDED, "SUP403", "SUP405")
    log = 'logger.exception("process_with_own_session: the failure could not be recorded (job_id=%s)", job_id)'
    assert found == SILENTLY_GUARDED.replace("            pass", f"            {log}")
