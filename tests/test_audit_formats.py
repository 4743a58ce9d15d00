"""The formats of the inventory: what they say, that they fit, and what hostile code cannot do to them."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest
from audit_support import HEAD, finding, inventory, inventory_of, made_up

from supavisor_lint.findings import Span
from supavisor_lint.report import audit_html, audit_json, audit_markdown, audit_table
from supavisor_lint.report.audit_model import AuditedRegistration, Inventory, Proposal
from supavisor_lint.report.model import Role
from supavisor_lint.report.text import width_of

SCHEMA = json.loads(Path(__file__).with_name("schemas").joinpath("audit.schema.json").read_text("utf-8"))
HOSTILE = "x</script><script>alert(1)</script>\"'|`\x1b[31m\u202e&amp;"
EMPTY = Inventory((), (), 4, 0)


def tagged(text: str, role: Role) -> str:
    return f"<{role}>{text}</>"


def hostile() -> Inventory:
    lost = AuditedRegistration(HOSTILE, 3, HOSTILE, "loop", HOSTILE)
    task = made_up(
        function=HOSTILE,
        path=HOSTILE,
        registrations=(lost,),
        helper=HOSTILE,
        findings=(finding(message=HOSTILE, path=HOSTILE, fix=None, no_fix_reason=HOSTILE),),
        reasons=(HOSTILE,),
        code=(HOSTILE, HOSTILE, HOSTILE),
        proposal=Proposal(f"--- a/{HOSTILE}\n+++ b\n@@ -1 +1 @@\n-{HOSTILE}\n+{HOSTILE}\n"),
    )
    return inventory_of(task, unresolved=(lost,))


# ---------------------------------------------------------------------------------------------------------------- table


def test_the_table_says_everything_of_a_task() -> None:
    task = made_up(findings=(finding(), finding(code="SUP101", severity="error")), priority="high")
    assert list(audit_table.render(inventory_of(task))) == [
        "priority  session    phases  handlers            start log  findings",
        "",
        "process_batch  app/tasks.py:7",
        "high      helper          2  inner outer         yes        SUP101 SUP301",
        "  session    helper: app.session.get_session",
        "  registered BackgroundTasks.add_task  app/api.py:12",
        "",
        "1 background task, 0 compliant",
        "priority: 1 high",
        "session: 1 helper",
    ]


def test_the_table_has_colours_by_part() -> None:
    lines = list(audit_table.render(inventory_of(made_up(findings=(finding(),), priority="high")), style=tagged))
    assert lines[2] == "<path>process_batch</>  app/tasks.py:7"
    assert lines[3].startswith("<error>high    </>")
    assert lines[3].endswith("<code>SUP301</>")


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_no_line_of_the_table_is_wider_than_the_terminal(width: int) -> None:
    codes = [finding(code=f"SUP{number}") for number in range(301, 310)]
    long = "a_very_long_name_of_a_task_" * 5
    registration = AuditedRegistration("deep/" * 30 + "路由.py", 1234, "spawn() → " * 9 + "create_task", "loop", long)
    task = made_up(function=long, path="deep/" * 30 + "任务.py", findings=codes, registrations=(registration,) * 2)
    lines = list(audit_table.render(inventory_of(task, made_up(), unresolved=(registration,)), width=width))
    assert max(map(width_of, lines)) <= width
    assert all(code.code in "\n".join(lines) for code in codes)
    assert "任务.py:7" in lines[2], "the end of a path stays"
    assert lines[2].startswith("a_very_long_name")


def test_hostile_names_do_not_act_on_the_terminal() -> None:
    text = "\n".join(audit_table.render(hostile(), width=200))
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_an_empty_inventory_has_an_empty_table() -> None:
    assert list(audit_table.render(EMPTY)) == []


# ------------------------------------------------------------------------------------------------------------- markdown


def test_the_markdown_table_has_a_row_for_each_task() -> None:
    lines = list(audit_markdown.render(inventory_of(made_up(), made_up(registrations=(), sessions=(), session="none"))))
    rows = [line for line in lines if line.startswith("|")]
    assert rows[2] == (
        "| low | `process_batch`<br>`app/tasks.py:7` | `BackgroundTasks.add_task` at `app/api.py:12` "
        "| helper<br>`app.session.get_session` | 2 | yes | no | yes | yes | compliant |"
    )
    assert "| by its name or mark | none |" in rows[3]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {11}


def test_hostile_names_stay_in_their_cells_and_code_spans() -> None:
    lines = list(audit_markdown.render(hostile()))
    row = next(line for line in lines if "low" in line and line.startswith("|"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 11
    assert "\x1b" not in row
    for span in re.findall(r"``(?:.*?)``", row):  # the name holds one backtick, so that two fence it
        row = row.replace(span, "")
    assert "<script>" not in row


# ----------------------------------------------------------------------------------------------------------------- json


def test_the_json_follows_its_schema_and_is_one_truth_with_the_tasks(tmp_path: Path) -> None:
    code = (
        HEAD
        + "from app.session import get_session\n\n\nasync def work_with_own_session():\n    s = await get_session()\n"
    )
    document = json.loads(audit_json.render(inventory(tmp_path, {"app/tasks.py": code})))
    jsonschema.validate(document, SCHEMA)
    (task,) = document["tasks"]
    assert (task["function"], task["path"], task["line"]) == ("work_with_own_session", "app/tasks.py", 12)
    assert task["findings"] == ["SUP104"]
    assert document["summary"]["priority"][task["priority"]] == 1
    assert document["summary"]["session"][task["session"]] == 1


@pytest.mark.parametrize("made", [hostile(), EMPTY, inventory_of(made_up(sessions=(), registrations=(), helper=None))])
def test_every_inventory_is_valid_json(made: Inventory) -> None:
    for ascii_only in (True, False):
        text = audit_json.render(made, ascii_only)
        assert "\x1b" not in text
        jsonschema.validate(json.loads(text), SCHEMA)


def test_the_schema_refuses_what_is_no_inventory() -> None:
    document = json.loads(audit_json.render(inventory_of(made_up())))
    document["tasks"][0]["session"] = "magic"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


# ----------------------------------------------------------------------------------------------------------------- html


class Page(HTMLParser):
    """Reads a page: its elements in order, with their attributes, and the text of each."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def of(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == name]

    @property
    def text(self) -> str:
        return "".join(self.texts)


def test_the_page_says_everything_of_a_task() -> None:
    diff = "--- a/app/tasks.py\n+++ b/app/tasks.py\n@@ -7 +7 @@\n-old\n+new\n"
    task = made_up(findings=(finding(),), suppressed=("SUP404",), proposal=Proposal(diff))
    page = Page(audit_html.render(inventory_of(task), "the rule of priority", "1.2.3"))
    for said in (
        "process_batch",
        "app/api.py:12",
        "app.session.get_session",
        "nobody starts it again",
        "SUP301 stands outside session.begin()",
        "safe fix: Give each phase its own async with session.begin():",
        "SUP404",
        "+new",
        "the rule of priority",
        "supavisor-lint 1.2.3",
    ):
        assert said in page.text
    assert page.of("tbody")[0]["data-session"] == "helper"
    assert "get_session()" in page.texts, "the stretch of the finding is marked"


def test_a_finding_without_a_fix_says_why_on_the_page() -> None:
    task = made_up(findings=(finding(fix=None, no_fix_reason="the session escapes"),))
    text = Page(audit_html.render(inventory_of(task))).text
    assert "no fix: the session escapes" in text
    assert "no finding of it has a fix: each says why" in text


def test_a_finding_at_the_registration_is_not_lost() -> None:
    task = made_up(findings=(finding(code="SUP202", path="app/api.py", span=Span(12, 5, 12, 9)),))
    text = Page(audit_html.render(inventory_of(task))).text
    assert "Where it is registered" in text
    assert "SUP202" in text


def test_hostile_code_is_text_on_the_page() -> None:
    html = audit_html.render(hostile(), HOSTILE, HOSTILE)
    page = Page(html)
    assert html.isascii()
    assert "\x1b" not in html
    assert len(page.of("script")) == 1
    assert page.text.count("x</script><script>alert(1)</script>\"'|`\\x1b[31m\\u202e&amp;") > 10
    assert page.of("tbody")[0]["data-text"] is not None


def test_the_page_needs_no_network_and_allows_only_its_own_script_and_style() -> None:
    page = Page(audit_html.render(hostile()))
    (policy,) = [str(meta["content"]) for meta in page.of("meta") if "http-equiv" in meta]
    assert re.match(r"default-src 'none'; img-src data:; style-src 'sha256-\S+'; script-src 'sha256-\S+'; ", policy)
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes), tag
        assert "src" not in attributes
        assert attributes.get("href", "data:,") == "data:,"


def test_the_page_of_an_empty_inventory_says_so() -> None:
    text = Page(audit_html.render(EMPTY)).text
    assert "None found in 4 files." in text


def test_the_page_s_own_files_are_ascii() -> None:
    folder = Path(audit_html.__file__).with_name("audit_page")
    for path in folder.iterdir():
        assert path.read_text("utf-8").isascii(), path
