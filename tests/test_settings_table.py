"""New keys in a pyproject.toml: everything else stays byte for byte, whatever form the table has."""

from __future__ import annotations

import pytest

from supavisor_lint.sources import toml
from supavisor_lint.sources.settings_table import NewKey, UneditableTable, table_of, with_keys

NEW = [NewKey("helper", "app.session.get_session", "why"), NewKey("task-names", ["*_job"], "because")]
LINES = '# why\nhelper = "app.session.get_session"\n# because\ntask-names = ["*_job"]'
TABLE = f"[tool.supavisor-lint]\n{LINES}"

EDITED = {
    "an empty file": ("", f"{TABLE}\n"),
    "comments only": ("# mine\n", f"# mine\n\n{TABLE}\n"),
    "another table": ("[project]\nname = 'x'\n", f"[project]\nname = 'x'\n\n{TABLE}\n"),
    "no line end at the end": ("[project] # x", f"[project] # x\n\n{TABLE}\n"),
    "an empty line at the end": ("[project]\n\n", f"[project]\n\n{TABLE}\n"),
    "an empty table": ("[tool.supavisor-lint]", f"[tool.supavisor-lint]\n{LINES}"),
    "a table with keys": (
        "[tool.supavisor-lint]\nprofile = 'hazards' # x\n# end\n\n[tool.ruff]\n",
        f"[tool.supavisor-lint]\nprofile = 'hazards' # x\n{LINES}\n# end\n\n[tool.ruff]\n",
    ),
    "a spelling of its own": ("[ tool . 'supavisor-lint' ] # x\n", f"[ tool . 'supavisor-lint' ] # x\n{LINES}\n"),
    "an array over lines": (
        "[tool.supavisor-lint]\nignore = [ # [\n  'SUP1', # ]\n]\nselect = ['SUP2']",
        f"[tool.supavisor-lint]\nignore = [ # [\n  'SUP1', # ]\n]\nselect = ['SUP2']\n{LINES}",
    ),
    "tables below it": (
        "[tool.supavisor-lint]\n\n[tool.supavisor-lint.template]\nfailure-import = 'import x'\n",
        f"[tool.supavisor-lint]\n{LINES}\n\n[tool.supavisor-lint.template]\nfailure-import = 'import x'\n",
    ),
    "tables above it": (
        "[tool.supavisor-lint.template]\nfailure-import = 'import x'\n[tool.supavisor-lint]\nselect = ['SUP2']\n",
        "[tool.supavisor-lint.template]\nfailure-import = 'import x'\n[tool.supavisor-lint]\nselect = ['SUP2']\n"
        f"{LINES}\n",
    ),
    "only a table below it": (
        "[tool.x]\n\n# of the template\n[tool.supavisor-lint.template]\nfailure-import = 'import x'\n",
        f"[tool.x]\n\n{TABLE}\n\n# of the template\n[tool.supavisor-lint.template]\nfailure-import = 'import x'\n",
    ),
    "only a table below it, at the top": (
        "# c\n[tool.supavisor-lint.template]\n",
        f"{TABLE}\n\n# c\n[tool.supavisor-lint.template]\n",
    ),
    "only an array of tables": (
        "[[tool.supavisor-lint.task-registrars]]\nname = 'go'\n",
        f"{TABLE}\n\n[[tool.supavisor-lint.task-registrars]]\nname = 'go'\n",
    ),
    "dotted keys inside of it": (
        "[tool.supavisor-lint]\ntemplate.failure-import = 'import x'\n",
        f"[tool.supavisor-lint]\ntemplate.failure-import = 'import x'\n{LINES}\n",
    ),
    "indentation": (
        "[tool.supavisor-lint]\n  select = ['SUP1']\n",
        "[tool.supavisor-lint]\n  select = ['SUP1']\n  " + LINES.replace("\n", "\n  ") + "\n",
    ),
    "a string that looks like it": (
        "a = '''\n[tool.supavisor-lint]\n'''\n",
        f"a = '''\n[tool.supavisor-lint]\n'''\n\n{TABLE}\n",
    ),
    "a comment that looks like it": ("# [tool.supavisor-lint]\n", f"# [tool.supavisor-lint]\n\n{TABLE}\n"),
    "dotted keys at the top": (
        "tool.supavisor-lint.profile = 'hazards'\n[x]\n",
        "tool.supavisor-lint.profile = 'hazards'\n# why\ntool.supavisor-lint.helper = \"app.session.get_session\"\n"
        '# because\ntool.supavisor-lint.task-names = ["*_job"]\n[x]\n',
    ),
    "dotted keys in [tool]": (
        "[tool]\nsupavisor-lint.profile = 'hazards'\nx.y = 1\n",
        "[tool]\nsupavisor-lint.profile = 'hazards'\n# why\nsupavisor-lint.helper = \"app.session.get_session\"\n"
        '# because\nsupavisor-lint.task-names = ["*_job"]\nx.y = 1\n',
    ),
}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("before", ["", "\ufeff"])
@pytest.mark.parametrize("name", EDITED)
def test_lines_are_added_and_nothing_else_changes(name: str, before: str, end: str) -> None:
    old, new = (before + text.replace("\n", end) for text in EDITED[name])
    if "\n" not in old:
        new = new.replace("\r\n", "\n")  # nothing tells how lines end
    assert with_keys(old, NEW) == new
    document = toml.parse(new)
    table = document["tool"]["supavisor-lint"]
    assert (table.pop("helper"), table.pop("task-names")) == ("app.session.get_session", ["*_job"])
    if not table:
        del document["tool"]["supavisor-lint"]
    left = toml.parse(old)
    left.setdefault("tool", {}).pop("supavisor-lint", None) if not table else None
    document.setdefault("tool", {})
    left.setdefault("tool", {})
    assert document == left


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[tool]\nsupavisor-lint = {profile = 'hazards'}\n", "line 2: `tool.supavisor-lint` is an inline table"),
        ("tool = {supavisor-lint = {}}\n", "line 1: `tool` is an inline table"),
        ("tool = {ruff = {}}\n", "line 1: `tool` is an inline table"),
        ("tool.supavisor-lint = {}\n", "line 1: `tool.supavisor-lint` is an inline table"),
        ("[tool.supavisor-lint]\nhelper = 'x.y'\n", "unusual form"),
    ],
)
def test_what_cannot_be_added_to_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UneditableTable) as caught:
        with_keys(text, NEW)
    assert reason in caught.value.reason and "\n" not in caught.value.reason


def test_the_table_to_paste_is_valid() -> None:
    assert table_of(NEW) == TABLE
    odd = [NewKey("task-registrars", [{"name": "a.b", "argument": 1}, 'quote "'], "x")]
    assert toml.parse(table_of(odd))["tool"]["supavisor-lint"] == {odd[0].name: odd[0].value}
