"""The README says what is true: rules, settings, options and output are checked, and written with `--write`.

python tests/test_readme.py --write
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from supavisor_lint.rules import RULES
from supavisor_lint.sources.config import KEYS

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
SHOWN = 3


def rules_table() -> str:
    rows = ["| code | name | severity | profile | on | what it finds |", "|---|---|---|---|---|---|"]
    rows += [
        f"| {r.code} | {r.name} | {r.severity} | {r.profile} | {'yes' if r.default else 'on request'} | {r.summary} |"
        for r in RULES
    ]
    return "\n".join(rows)


def sample_output() -> str:
    """The first findings of the sample project, and the summary line."""
    run = subprocess.run(
        [sys.executable, "-m", "supavisor_lint", "check", "fixtures/scraper_backend"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    assert run.returncode == 1, run.stderr
    blocks = run.stdout.strip().split("\n\n")
    return "```text\n" + "\n\n".join(blocks[:SHOWN]) + "\n\n…\n" + run.stderr.strip() + "\n```"


def between(text: str, name: str) -> str:
    match = re.search(rf"<!-- {name}:begin -->\n(.*?)\n?<!-- {name}:end -->", text, re.DOTALL)
    assert match is not None, name
    return match[1]


def with_section(text: str, name: str, content: str) -> str:
    pattern = rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)"
    return re.sub(pattern, lambda m: f"{m[1]}{content}\n{m[2]}", text, flags=re.DOTALL)


def test_the_table_of_rules_is_the_generated_one() -> None:
    assert between(README.read_text("utf-8"), "rules") == rules_table()


def test_the_output_is_real() -> None:
    assert between(README.read_text("utf-8"), "output") == sample_output()


def test_every_setting_is_documented() -> None:
    text = README.read_text("utf-8")
    assert [key for key in KEYS if f"`{key}`" not in text] == []


def test_no_option_is_invented() -> None:
    mentioned = set(re.findall(r"supavisor-lint check[^\n#]*?(--[a-z-]+)", README.read_text("utf-8")))
    help_text = subprocess.run(
        [sys.executable, "-m", "supavisor_lint", "check", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert mentioned
    assert [option for option in mentioned if option not in help_text] == []


def test_the_two_commands_are_one_line_each() -> None:
    text = README.read_text("utf-8")
    for name in ("check", "test"):
        block = re.search(rf"<!-- command: {name} -->\n```sh\n(.*?)\n```", text, re.DOTALL)
        assert block is not None
        assert "\n" not in block[1]


if __name__ == "__main__" and "--write" in sys.argv:
    written = with_section(README.read_text("utf-8"), "rules", rules_table())
    README.write_text(with_section(written, "output", sample_output()), "utf-8")
