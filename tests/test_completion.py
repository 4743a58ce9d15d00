"""What a shell completes, by click's own scripts."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete

from supavisor_lint.cli import cli
from supavisor_lint.sources.checks import KNOWN_CODES


def completed(*words: str) -> list[str]:
    """What may stand for the last word."""
    *before, last = words
    complete = ShellComplete(cli, {}, "supavisor-lint", "_SUPAVISOR_LINT_COMPLETE")
    return [item.value for item in complete.get_completions(list(before), last)]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_is_printed(shell: str) -> None:
    code = "import sys; sys.argv = ['supavisor-lint']; from supavisor_lint.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"_SUPAVISOR_LINT_COMPLETE": f"{shell}_source"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"{shell}_complete" in done.stdout and "supavisor-lint" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["expl"], ["explain"]),
        (["explain", "SUP50"], ["SUP501", "SUP502"]),
        (["explain", "SUP101", "sup6"], ["SUP601"]),
        (["explain", "SUP501,SUP5"], ["SUP501,SUP502"]),
        (["explain", "SUP999"], []),
        (["explain", "--output-format", ""], ["text", "markdown", "json"]),
        (["rules", "--output-format", "m"], ["markdown"]),
        (["check", "--profile", ""], ["template", "hazards"]),
        (["check", "--output-format", "js"], ["json"]),
        (["check", "--isol"], ["--isolated"]),
    ],
)
def test_commands_codes_and_choices_are_completed(words: list[str], values: list[str]) -> None:
    assert completed(*words) == values


def test_every_code_is_completed_without_reading_the_rules() -> None:
    assert completed("explain", "") == list(KNOWN_CODES)
    code = (
        "import sys; from click.shell_completion import ShellComplete; from supavisor_lint.cli import cli\n"
        "assert ShellComplete(cli, {}, 'x', 'y').get_completions(['explain'], 'SUP1')\n"
        "print('supavisor_lint.rules' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.split() == [b"False"]
