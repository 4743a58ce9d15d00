"""The CI configurations of the README can be pasted: they parse, and what they run is run on the sample project."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import yaml
from report_support import schema
from test_readme import README, ROOT, blocks_of

from supavisor_lint.report.formats import FORMATS


def configurations() -> list[Any]:
    return [yaml.safe_load(block) for block in blocks_of(README.read_text("utf-8"), "yaml")]


def workflow() -> Any:
    (found,) = (config for config in configurations() if "jobs" in config)
    return found


def gitlab_job() -> Any:
    (found,) = (config["supavisor-lint"] for config in configurations() if "supavisor-lint" in config)
    return found


@pytest.fixture(name="repository")
def repository_fixture(tmp_path: Path) -> Path:
    """The sample project as a part of a repository, and where its checks are run."""
    (tmp_path / ".git").mkdir()
    shutil.copytree(ROOT / "fixtures" / "scraper_backend", tmp_path / "backend")
    (tmp_path / "backend" / "pyproject.toml").write_text("[tool.supavisor-lint]\n", "utf-8")
    return tmp_path / "backend"


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    env = {**os.environ, "PATH": path, "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        ["bash", "-ec", command], cwd=folder, env=env, capture_output=True, text=True, encoding="utf-8", check=False
    )


def run_check(commands: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the one command of some that is a check; it finds something."""
    (command,) = (command for command in commands if command.startswith("supavisor-lint check "))
    done = run(command, folder)
    assert done.returncode == 1, done.stderr
    return done


def test_the_workflow_of_github_does_what_it_says(repository: Path) -> None:
    steps = workflow()["jobs"]["check"]["steps"]
    done = run_check([step["run"] for step in steps if "run" in step], repository)
    annotations = done.stdout.splitlines()
    assert annotations and all(line.startswith("::") for line in annotations)
    assert all(" file=backend/app/" in line for line in annotations)
    log = json.loads((repository / "findings.sarif").read_text("utf-8"))
    jsonschema.Draft4Validator(schema("sarif-schema-2.1.0.json")).validate(log)
    assert len(log["runs"][0]["results"]) == len(annotations)


def test_the_workflow_uploads_what_it_has_written() -> None:
    config = workflow()
    steps = config["jobs"]["check"]["steps"]
    (upload,) = (step for step in steps if step.get("uses", "").startswith("github/codeql-action/upload-sarif@"))
    filtered = steps[steps.index(upload) - 1]
    assert filtered["run"].endswith(f" findings.sarif > {upload['with']['sarif_file']}")
    assert "sarif=findings.sarif" in steps[steps.index(upload) - 2]["run"]
    assert filtered["if"] == upload["if"] == "${{ !cancelled() }}"
    assert config["permissions"]["security-events"] == "write"


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq, which GitHub's machines have, is not here")
def test_suppressed_findings_are_not_uploaded(repository: Path) -> None:
    module = repository / "app" / "services" / "batch_processor.py"
    text = module.read_text("utf-8")
    module.write_text(text.replace("async_session_factory()", "async_session_factory()  # noqa: SUP101"), "utf-8")
    for step in workflow()["jobs"]["check"]["steps"]:
        if "run" in step and not step["run"].startswith("pip "):
            assert run(step["run"], repository).returncode in (0, 1)
    before, after = (
        json.loads((repository / name).read_text("utf-8"))["runs"][0]["results"]
        for name in ("findings.sarif", "supavisor-lint.sarif")
    )
    assert [result for result in before if not result["suppressions"]] == after
    assert len(before) > len(after) > 0


def test_the_job_of_gitlab_does_what_it_says(repository: Path) -> None:
    job = gitlab_job()
    done = run_check(job["script"], repository)
    assert "SUP101 [error]" in done.stdout
    assert job["artifacts"]["when"] == "always"
    reports = job["artifacts"]["reports"]
    document = json.loads((repository / reports["codequality"]).read_text("utf-8"))
    jsonschema.validate(document, schema("gitlab-code-quality.schema.json"))
    assert {entry["location"]["path"] for entry in document} == {"backend/app/services/batch_processor.py"}
    suite = ElementTree.parse(repository / reports["junit"]).getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "1", "0")


def test_every_format_is_in_the_row_of_its_option() -> None:
    (row,) = (line for line in README.read_text("utf-8").splitlines() if line.startswith("| `--output-format "))
    assert [name for name in FORMATS if f"`{name}`" not in row] == []
