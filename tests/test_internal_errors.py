"""What this tool itself gets wrong: one line and the exit code 2; everything else is done as if nothing had been."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cli_support import invoke
from fix_support import BROKEN, MENDED, app_fixture  # noqa: F401

from supavisor_lint import engine as engine_module
from supavisor_lint.findings import Finding
from supavisor_lint.project import project as project_module
from supavisor_lint.rewrites import REWRITES, work
from supavisor_lint.rewrites.base import Context
from supavisor_lint.rules import RULES, FileView

WORK = "app/work.py"


def failing_in(path: str, real: Callable[..., object]) -> Callable[..., object]:
    """A function of (something with the path of a file, …) that fails for one file."""

    def call(first: object, *others: object) -> object:
        name = first if isinstance(first, str) else first.file.path  # type: ignore[attr-defined]
        if name == path:
            raise KeyError("lost")
        return real(first, *others)

    return call


@pytest.fixture(name="rule_fails")
def rule_fails_fixture(monkeypatch: pytest.MonkeyPatch) -> None:
    """SUP104 fails in work.py."""

    def broken(rule: object) -> object:
        return replace(rule, detect=failing_in(WORK, rule.detect)) if rule.code == "SUP104" else rule  # type: ignore

    monkeypatch.setattr(engine_module, "RULES", tuple(broken(rule) for rule in RULES))


def codes(text: str) -> list[str]:
    return [f"{f['path']}:{f['line']} {f['code']}" for f in json.loads(text)["findings"]]


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if "error:" in line]


@pytest.mark.usefixtures("rule_fails")
def test_a_rule_that_fails(app: Path) -> None:
    (app / WORK).write_text(BROKEN + "\n\nx = 1  # noqa: SUP104, SUP101\nwith get_session: pass\n", "utf-8")
    result = invoke("check", "--output-format", "json")
    assert result.exit_code == 2
    assert codes(result.stdout) == ["app/stuck.py:5 SUP104", "app/work.py:1 SUP900"]
    finding = json.loads(result.stdout)["findings"][1]
    assert finding["message"] == "internal error in SUP104: KeyError: 'lost'"
    assert finding["no_fix_reason"] == "the fault is in this tool: please report it"
    assert lines(result.stderr) == ["supavisor-lint: error: app/work.py: internal error in SUP104: KeyError: 'lost'"]
    assert "Traceback" not in result.stderr
    assert "Traceback (most recent call last)" in invoke("check", "-v").stderr
    assert invoke("check", "--exit-zero").exit_code == 2


@pytest.mark.usefixtures("rule_fails")
def test_a_rule_that_fails_is_said_whatever_is_selected(app: Path) -> None:
    result = invoke("check", "--select", "SUP1", "--output-format", "json", "app/work.py")
    assert (result.exit_code, codes(result.stdout)) == (2, ["app/work.py:1 SUP900"])
    assert invoke("check", "--select", "SUP3", "app/work.py").exit_code == 0


@pytest.mark.usefixtures("rule_fails")
def test_no_noqa_goes_where_not_all_rules_have_run(app: Path) -> None:
    text = BROKEN + "\n\nx = 1  # noqa: SUP104\n"
    (app / WORK).write_text(text, "utf-8")
    (app / "app" / "other.py").write_text("from app.session import get_session\n\nx = 1  # noqa: SUP104\n", "utf-8")
    assert invoke("check", "--fix").exit_code == 2
    assert (app / WORK).read_text("utf-8") == text
    assert (app / "app" / "other.py").read_text("utf-8") == "from app.session import get_session\n\nx = 1\n"


def test_no_noqa_goes_where_the_code_is_too_deep_to_be_analysed(app: Path) -> None:
    deep = "from app.session import get_session\n\nx = 1  # noqa: SUP104\ny = " + "+".join("x" * 30000) + "\n"
    (app / "app" / "deep.py").write_text(deep, "utf-8")
    assert codes(invoke("check", "--output-format", "json", "app/deep.py").stdout) == ["app/deep.py:4 SUP900"]


def test_a_rewrite_that_fails(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REWRITES, "SUP104", failing_in(WORK, REWRITES["SUP104"]))  # type: ignore[arg-type]
    (app / "app" / "other.py").write_text(BROKEN, "utf-8")
    for option in ("--diff", "--fix"):
        result = invoke("check", option)
        said = ["supavisor-lint: error: app/work.py: internal error in the rewrite of SUP104: KeyError: 'lost'"]
        assert (result.exit_code, lines(result.stderr)) == (2, said)
    assert "= help: internal error in the rewrite of SUP104: KeyError: 'lost'" in result.stdout
    assert (app / WORK).read_text("utf-8") == BROKEN
    assert (app / "app" / "other.py").read_text("utf-8") == MENDED


def test_a_guard_that_fails(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work.guards, "fault_of_text", failing_in(WORK, work.guards.fault_of_text))
    (app / "app" / "other.py").write_text(BROKEN, "utf-8")
    result = invoke("check", "--fix")
    said = ["supavisor-lint: error: app/work.py: fix failed: internal error: KeyError: 'lost'"]
    assert (result.exit_code, lines(result.stderr)) == (2, said)
    assert (app / WORK).read_text("utf-8") == BROKEN
    assert (app / "app" / "other.py").read_text("utf-8") == MENDED


def test_a_file_that_cannot_be_read_into_facts(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_module, "read_facts", failing_in(WORK, project_module.read_facts))
    result = invoke("check", "--output-format", "json")
    assert (result.exit_code, codes(result.stdout)) == (2, ["app/stuck.py:5 SUP104", "app/work.py:1 SUP900"])
    said = ["supavisor-lint: error: app/work.py: internal error in reading it: KeyError: 'lost'"]
    assert lines(result.stderr) == said


def test_a_rewrite_gives_up_with_an_internal_error_of_any_kind(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def propose(context: Context, finding: Finding) -> Iterator[FileView]:
        raise AssertionError

    monkeypatch.setitem(REWRITES, "SUP104", propose)  # type: ignore[arg-type]
    finding = json.loads(invoke("check", "--output-format", "json", "app/work.py").stdout)["findings"][0]
    assert finding["no_fix_reason"] == "internal error in the rewrite of SUP104: AssertionError"
