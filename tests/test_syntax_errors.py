"""Where a syntax error is, and what: as Python itself says, and with it flake8's E999, not where LibCST gives up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from supavisor_lint.facts import file as facts_file
from supavisor_lint.facts.file import UnparsableFile, read_facts
from supavisor_lint.sources.syntax import refusal

BROKEN = {
    "operator": "a = 1\nx = = 1\n",
    "unclosed": "a = 1\nasync def process(job_id:\n    ...\n\n\ndef f():\n    return 2\n",
    "unclosed_at_the_end": "x = [1,\n     2\n",
    "colon": "def f()\n    return 1\n",
    "body": "def f():\nx = 1\n",
    "body_at_the_end": "a = 1\ndef f():\n",
    "unindent": "def f():\n        x = 1\n    y = 2\n",
    "indent": "x = 1\n    y = 2\n",
    "string": "a = 1\nx = 'abc\ny = 2\n",
    "long_string": "x = 1\ny = '''abc\nz = 2\n",
    "tabs": "if x:\n\ty = 1\n        z = 2\n",
    "statement": "a = 1\nprint 'a'\n",
    "bracket": "a = 1\nx = (1))\ny = 1\n",
    "wrong_bracket": "a = 1\nx = (1]\n",
    "character": "a = 1\nx = $1\n",
    "backslash": "a = 1\nx = 1 \\ \ny = 2\n",
    "conflict": "x = 1\n<<<<<<< HEAD\ny = 2\n=======\ny = 3\n>>>>>>> theirs\n",
    "template": "a = 1\n{% if x %}\nimport a\n{% endif %}\n",
    "line_ends": "a = 1\r\nx = = 1\r\ny = 2\r\n",
    "wide": "é = '漢'; x = = 2\n",
}


def refused(text: str) -> UnparsableFile:
    with pytest.raises(UnparsableFile) as caught:
        read_facts("a.py", text)
    return caught.value


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_the_error_is_python_s(text: str) -> None:
    said = refusal(text)
    assert isinstance(said, SyntaxError) and said.lineno is not None and said.offset is not None
    found = refused(text)
    assert (found.reason, found.line, found.column) == (said.msg, said.lineno, said.offset)


def test_the_line_is_that_of_flake8(tmp_path: Path) -> None:
    for name, text in BROKEN.items():
        (tmp_path / f"broken_{name}.py").write_text(text, "utf-8", newline="")
    command = [sys.executable, "-m", "flake8", "--isolated", "--select", "E9", "--format", "%(path)s %(row)d", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert set(done.stdout.splitlines()) == {
        f"./broken_{name}.py {refused(text).line}" for name, text in BROKEN.items()
    }


@pytest.mark.parametrize(
    ("newer", "line"),
    [
        ("type Number = int\nx = 1\nx = = 1\n", 1),
        ("def f[T](x: T):  # of 3.12\n    pass\n\n\nx = = 1\n", 1),
        ("class A:\n\tdef f[T](x: T):\n\t\tpass\n\nx = = 1\n", 2),
    ],
)
def test_what_python_only_does_not_know_yet_is_no_error(monkeypatch: pytest.MonkeyPatch, newer: str, line: int) -> None:
    older = SyntaxError("invalid syntax", ("<file>", line, 6, None))
    monkeypatch.setattr(facts_file, "refusal", lambda _: older)
    assert refused(newer).line == newer.count("\n")


def test_without_a_word_of_python_s_it_is_libcst_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts_file, "refusal", lambda _: None)
    found = refused("a = 1\nx = = 1\n")
    assert (found.reason, found.line) == ("invalid syntax", 2)
    end = refused("x = [1,\n     2\n")
    assert (end.line, end.column) == (2, 7)
