"""One task on the page: its row, and below it the code with its findings and what the fixes would make of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from supavisor_lint.findings import Finding
from supavisor_lint.report.audit_model import PRIORITIES, AuditedTask, Proposal
from supavisor_lint.report.audit_words import BY_NAME, yes_or_no
from supavisor_lint.report.markup import code, place, prose, tag, text
from supavisor_lint.report.model import count

_HANDLERS = ("inner", "status", "outer")
_SEVERITIES = ("error", "warning", "info")


def task_body(task: AuditedTask, number: int, columns: int) -> str:
    """Give the `tbody` of a task, the `number`th of its page; the row that is opened spans all columns."""
    row = "".join(tag("td", cell, class_="number" if right else "") for cell, right in _cells(task, number))
    detail = f'<tr class="detail" id="detail-{number}"><td colspan="{columns}">{_detail(task)}</td></tr>'
    return tag(
        "tbody",
        f'<tr class="task">{row}</tr>{detail}',
        data_name=task.function.lower(),
        data_rank=f"{PRIORITIES.index(task.priority)}",
        data_priority=task.priority,
        data_session=task.session,
        data_registrations=f"{len(task.registrations)}",
        data_phases=f"{task.phases}",
        data_handlers=f"{len(task.handlers)}",
        data_log=yes_or_no(task.start_log),
        data_findings=f"{len(task.findings)}",
        data_text=" ".join(_searchable(task)).lower(),
    )


def _searchable(task: AuditedTask) -> Iterator[str]:
    yield from (task.function, task.path, task.session, task.priority, *task.codes)
    yield from (session.name for session in task.sessions)
    for registration in task.registrations:
        yield from (registration.path, registration.how)


def _cells(task: AuditedTask, number: int) -> Iterator[tuple[str, bool]]:
    """Yield the cells of the row, and whether each is a number."""
    name = f'<span><span class="name mono">{text(task.function)}</span>'
    at = f'<span class="place mono">{text(f"{task.path}:{task.line}").replace("/", "/<wbr>")}</span></span>'
    opener = tag("button", name + at, type="button", class_="open", aria_controls=f"detail-{number}")
    yield opener, False
    yield _chip(task.priority, task.priority), False
    yield text(task.session), False
    kinds = ", ".join(dict.fromkeys(registration.kind for registration in task.registrations))
    yield f'{len(task.registrations)} <span class="soft">{text(kinds)}</span>', False
    yield str(task.phases), True
    yield "".join(_chip(h, "" if h in task.handlers else "missing") for h in _HANDLERS), False
    yield yes_or_no(task.start_log), False
    yield "".join(_chip(c, _class_of(task, c)) for c in task.codes) or _chip("compliant", "low"), False


def _chip(word: str, kind: str) -> str:
    return f'<span class="chip {kind}">{"no " if kind == "missing" else ""}{text(word)}</span>'


def _class_of(task: AuditedTask, wanted: str) -> str:
    severities = {finding.severity for finding in task.findings if finding.code == wanted}
    return "high" if "error" in severities else "medium" if "warning" in severities else ""


# -------------------------------------------------------------------------------------------------------- the detail


def _detail(task: AuditedTask) -> str:
    return f'<dl class="facts">{_facts(task)}</dl>{_elsewhere(task)}<h3>Code</h3>{_code(task)}{_proposal(task)}'


def _facts(task: AuditedTask) -> str:
    registered = [f"{text(r.how)} {place(r.path, r.line)}" for r in task.registrations] or [text(BY_NAME)]
    sessions = [
        f"{text(s.pattern)} {code(s.name) if s.name else ''} {place(s.path, s.line)}" for s in task.sessions
    ] or ["none seen"]
    rows = [
        ("Registered", _list(registered)),
        ("Sessions", _list(sessions)),
        ("Priority", f"{text(task.priority)}: {text(', '.join(task.reasons) or 'nothing speaks against it')}"),
    ]
    if task.suppressed:
        rows.append(("Suppressed", text(" ".join(task.suppressed))))
    return "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows)


def _list(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def _elsewhere(task: AuditedTask) -> str:
    """The findings that stand at a registration, outside of the code below."""
    found = [f for f in task.findings if not _is_shown(task, f)]
    if not found:
        return ""
    items = (f"{text(f.code)} {prose(f.message)} {place(f.path, f.span.line)}" for f in found)
    return f"<h3>Where it is registered</h3>{_list(items)}"


def _is_shown(task: AuditedTask, finding: Finding) -> bool:
    return finding.path == task.path and 0 <= finding.span.line - task.first_line < len(task.code)


def _code(task: AuditedTask) -> str:
    lines = []
    shown = [finding for finding in task.findings if _is_shown(task, finding)]
    for number, line in enumerate(task.code, task.first_line):
        here = [finding for finding in shown if finding.span.line == number]
        worst = min((_SEVERITIES.index(f.severity) for f in here), default=None)
        kind = f' class="hit {_SEVERITIES[worst]}"' if worst is not None else ""
        lines.append(f'<span{kind}><span class="no">{number}</span>{_marked(line, here)}</span>')
        lines += [_note(finding) for finding in here]
    return f'<pre tabindex="0" aria-label="Code">{"".join(lines)}</pre>'


def _marked(line: str, findings: Iterable[Finding]) -> str:
    """The line with the stretches of its findings marked; a stretch of several lines only to the end of this one."""
    marked = [False] * len(line)
    for finding in findings:
        span = finding.span
        end = span.end_column - 1 if span.end_line == span.line else len(line)
        for index in range(span.column - 1, min(end, len(line))):
            marked[index] = True
    pieces: list[str] = []
    start = 0
    for index in range(1, len(line) + 1):
        if index == len(line) or marked[index] != marked[start]:
            piece = text(line[start:index])
            pieces.append(f"<mark>{piece}</mark>" if marked[start] else piece)
            start = index
    return "".join(pieces)


def _note(finding: Finding) -> str:
    if finding.fix is not None:
        how = f"{finding.fix.applicability} fix: {finding.fix.title}"
    else:
        how = f"no fix: {finding.no_fix_reason or 'none is known'}"
    return (
        f'<span class="note {finding.severity}"><strong>{text(finding.code)}</strong> {prose(finding.message)}'
        f'<span class="how">{prose(how)}</span></span>'
    )


def _proposal(task: AuditedTask) -> str:
    if not task.findings:
        return ""
    proposal = task.proposal or Proposal("", "no finding of it has a fix: each says why")
    if not proposal.diff:
        return f'<h3>Proposed change</h3><p class="soft">{prose(proposal.reason or "")}</p>'
    kinds = {f.fix.applicability for f in task.findings if f.fix is not None}
    fixes = " and ".join(kind for kind in ("safe", "unsafe") if kind in kinds)
    left = sum(1 for f in task.findings if f.fix is None)
    rest = f"; {count(left, 'finding')} without a fix of its own" if left else ""
    lines = "".join(_diff_line(line) for line in proposal.diff.splitlines())
    return (
        f'<h3>Proposed change <span class="soft">({text(f"{fixes} fixes{rest}")})</span></h3>'
        f'<pre class="diff" tabindex="0" aria-label="Proposed change">{lines}</pre>'
    )


def _diff_line(line: str) -> str:
    if line.startswith(("---", "+++", "@@")):
        return f'<span class="hunk">{text(line)}</span>'
    kind = {"+": "add", "-": "del"}.get(line[:1], "")
    return f'<span class="{kind}">{text(line)}</span>'
