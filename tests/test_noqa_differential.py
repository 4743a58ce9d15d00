"""Our reading of noqa comments against the real flake8: every line and code of some hundred generated files.

A plugin local to the generated project reports every probe code on every line; what flake8 lets through must
be exactly what `Suppressions` does not suppress.
"""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from supavisor_lint.sources.reading import decode, read_source, split_lines
from supavisor_lint.sources.suppressions import Suppressions

CODES = ("SUP101", "SUP102", "SUP201", "SUP309", "SUP900", "SUP901")
SEED = 20240229
RANDOM_FILES = 260
SNIPPETS_PER_FILE = 9

PLUGIN = f"""
CODES = {CODES!r}


class Probe:
    name = "probe"
    version = "1"

    def __init__(self, tree, lines):
        self.lines = lines

    def run(self):
        for line in range(1, len(self.lines) + 2):
            for code in CODES:
                yield line, 0, code + " probe", Probe
"""

CONFIG = """
[flake8]
select = SUP
[flake8:local-plugins]
extension =
    SUP = noqa_probe:Probe
paths = .
"""


@dataclass(frozen=True)
class Case:
    name: str
    data: bytes
    comments: int


# --- comments -----------------------------------------------------------------------------------------------

MARKERS = (
    "# noqa",
    "#noqa",
    "#  noqa",
    "# NOQA",
    "# NoQa",
    "# noQA",
    "#: noqa",
    "## noqa",
    "# -- # noqa",
    "# noqa-",
)
COLONS = ("", ":", ": ", " : ", ":  ", ":\t", " ", "=", "::", ": \t")
CODE_LISTS = (
    "",
    "SUP101",
    "SUP1",
    "SUP",
    "S",
    "sup101",
    "Sup101",
    "SUP101,SUP201",
    "SUP101, SUP201",
    "SUP101 SUP201",
    "SUP101;SUP201",
    "SUP101 , SUP201",
    "SUP101,,SUP201",
    "SUP101SUP201",
    "SUP101-SUP201",
    "SUP101/SUP201",
    "E501,SUP101",
    "E501 W1 SUP3",
    "SUP1011",
    "SUP9",
    "SUP900,",
    ",SUP101",
    "ALL",
    "SUP٣",
    "ſUP101",
    "SUP101\x0cSUP201",
    "SUP101\u00a0SUP309",
)
TRAILERS = (
    "",
    " because",
    " because1 reasons2",
    " - why",
    "  # noqa",
    " # noqa: SUP309",
    " # type: ignore",
    "\t",
    ", SUP",
    " é😀",
)
WHOLE_FILE = (
    "# flake8: noqa",
    "#flake8: noqa",
    "# flake8:noqa",
    "# flake8=noqa",
    "# FLAKE8: NOQA",
    "# flake8: noqa: SUP1",
    "# flake8:noqa:SUP1",
    "# flake8: noqa-not",
    "# flake8 : noqa",
    "  # flake8: noqa",
    "\x0c# flake8: noqa",
    "x = 1  # flake8: noqa",
    "x = '''\n# flake8: noqa\n'''",
    "# flake8: NoQA: E501 because",
    "# flake8:\tnoqa",
    "# flake8:",
)


def systematic_comments() -> list[str]:
    """Every marker with every colon and list, every list with every trailer."""
    first = [f"{m}{c}{codes}" for m, c, codes in itertools.product(MARKERS, COLONS, CODE_LISTS[:8])]
    second = [f"# noqa:{c}{codes}{t}" for c, codes, t in itertools.product(("", " "), CODE_LISTS, TRAILERS)]
    return first + second


def random_comment(rng: random.Random) -> str:
    codes = rng.choice((",", ", ", " ", ";", "  ", "")).join(rng.choices(CODE_LISTS, k=rng.randint(0, 3)))
    return rng.choice(MARKERS) + rng.choice(COLONS) + codes + rng.choice(TRAILERS)


# --- places for a comment -----------------------------------------------------------------------------------

PLACES = (
    "x = 1  {0}",
    "x = 1{0}",
    "{0}",
    "x = [\n    1,  {0}\n    2,  {1}\n]",
    "x = (\n    1\n    + 2\n)  {0}",
    "x = '''\n{1}\nlast'''  {0}",
    "x = '''\n{0}\nlast'''",
    "f(\n    '''a\n    b''',  {0}\n    2,\n)  {1}",
    "x = 1 + \\\n    2 + \\\n    3  {0}",
    "x = '{0}'",
    "x = 'a \\\n{0} \\\nb'",
    "x = f'''{{\n1}} {0}\n'''",
    "if x:\n    y = 1  {0}\n    if y:\n        z = 2\n    {1}\nw = 3  {0}",
    "def f():\n    '''doc {0}\n\n    {1}\n    '''\n    return 1",
    "x = 1; y = '''\n'''; z = 3  {0}",
    "\x0cx = 1  {0}",
    "if x:\n\x0c    y = 1  {0}",
    "assert x, \\\n    'y'  {0}",
    "@f  {0}\n@g\ndef h(\n    a,  {1}\n): ...",
    "x = '''a''' '''b\nc'''  {0}",
    "x = rb'''\n'''  {0}",
    "with a as b, \\\n        c as d:  {0}\n    pass  {1}",
    "   \n\n{0}\n\n",
    "x = {{\n    'a': '''\n''',  {0}\n    'b': \\\n        2,  {1}\n}}",
)


def snippet(rng: random.Random) -> tuple[str, int]:
    place = rng.choice(PLACES)
    text = place.format(random_comment(rng), random_comment(rng))
    return text, place.count("{0}") + place.count("{1}")


def is_python(text: str) -> bool:
    try:
        compile(text, "case.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


# --- files --------------------------------------------------------------------------------------------------


def systematic_cases() -> Iterator[Case]:
    comments = systematic_comments()
    for index in range(0, len(comments), 40):
        chunk = comments[index : index + 40]
        yield Case(f"systematic_{index}", "".join(f"x = 1  {c}\n" for c in chunk).encode(), len(chunk))


def whole_file_cases() -> Iterator[Case]:
    for index, comment in enumerate(WHOLE_FILE):
        yield Case(f"file_first_{index}", f"{comment}\nx = 1\n".encode(), 1)
        yield Case(f"file_last_{index}", f"x = 1\ny = 2  # noqa: SUP1\n{comment}".encode(), 2)


def random_cases() -> Iterator[Case]:
    rng = random.Random(SEED)
    for index in range(RANDOM_FILES):
        parts = [snippet(rng) for _ in range(SNIPPETS_PER_FILE)]
        good = [(text, count) for text, count in parts if is_python(text)]
        newline = rng.choice(("\n", "\n", "\r\n", "\r"))
        text = "\n".join(text for text, _ in good) + rng.choice(("\n", "", "\n\n", "\n   "))
        bom = b"\xef\xbb\xbf" if rng.random() < 0.1 else b""
        yield Case(f"random_{index}", bom + text.replace("\n", newline).encode(), sum(n for _, n in good))


def special_cases() -> Iterator[Case]:
    yield Case("empty", b"", 0)
    yield Case("latin", b"# -*- coding: latin-1 -*-\nx = '\xe9'  # noqa: SUP101\n", 1)
    yield Case("late_latin", b"# \xe9\n# coding: latin-1\nx = 1  # noqa: SUP101\n", 1)
    yield Case("separators", "x = 'a\x0b\u2028\x85b'  # noqa: SUP1\ny = 2\n".encode(), 1)
    yield Case("bom_file", b"\xef\xbb\xbf# flake8: noqa\nx = 1\n", 1)
    yield Case("crlf_in_string", b"x = '''# noqa:\r\nSUP101'''\r\ny = 1\r\n", 1)


def all_cases() -> list[Case]:
    return [*systematic_cases(), *whole_file_cases(), *random_cases(), *special_cases()]


# --- the two verdicts ---------------------------------------------------------------------------------------


def flake8_survivors(project: Path) -> set[tuple[str, int, str]]:
    """Run the real flake8 once; what its probe could report, as (file, line, code)."""
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "flake8",
            "--config",
            "flake8.cfg",
            "--format=%(path)s|%(row)d|%(code)s|%(text)s",
            "src",
        ],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 1, run.stderr
    rows = [line.split("|") for line in run.stdout.splitlines()]
    return {(Path(path).stem, int(row), code) for path, row, code, text in rows if text == "probe"}


def our_survivors(path: Path) -> set[tuple[str, int, str]]:
    lines = split_lines(decode(read_source(path)))
    suppressions = Suppressions.read(lines)
    return {
        (path.stem, line, code)
        for line in range(1, len(lines) + 2)
        for code in CODES
        if not suppressions.suppresses(line, code)
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("noqa")
    (root / "noqa_probe.py").write_text(PLUGIN, encoding="utf-8")
    (root / "flake8.cfg").write_text(CONFIG, encoding="utf-8")
    (root / "src").mkdir()
    for case in all_cases():
        (root / "src" / f"{case.name}.py").write_bytes(case.data)
    return root


def test_there_are_enough_comments_and_all_files_are_python() -> None:
    cases = all_cases()
    assert sum(case.comments for case in cases) >= 1000
    assert len(cases) >= 300
    assert all(is_python(decode(case.data)) for case in cases)


def test_every_verdict_is_flake8s(project: Path) -> None:
    theirs = flake8_survivors(project)
    files = sorted((project / "src").iterdir())
    ours = set().union(*(our_survivors(path) for path in files))
    possible = sum((len(split_lines(decode(read_source(path)))) + 1) * len(CODES) for path in files)
    assert 0.2 * possible < len(theirs) < 0.9 * possible, "the cases decide nothing"
    assert sorted(theirs - ours) == [], "we suppress what flake8 reports"
    assert sorted(ours - theirs) == [], "we report what flake8 suppresses"
