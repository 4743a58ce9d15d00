"""The rewrites: one file each. `look_at` gives a file's findings, each with its fix, or why there is none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from supavisor_lint.engine import Analysis, Engine
from supavisor_lint.facts.file import UnparsableFile
from supavisor_lint.findings import Finding
from supavisor_lint.rewrites import (
    authors_choice,
    begin_earlier,
    commit_in_block,
    enter_helper,
    import_missing,
    log_lines,
    move_import,
    own_session,
    own_session_name,
    pooler_settings,
    remove_noqa,
    rollback_in_handler,
    split_status,
    swap_factory,
    swap_getter,
    swap_session_class,
    template,
    wrap_phases,
)
from supavisor_lint.rewrites.base import Context, NoFix, NotYet, Propose
from supavisor_lint.rules import RULES

REWRITES: dict[str, Propose] = {
    "SUP101": swap_factory.propose,
    "SUP102": swap_session_class.propose,
    "SUP103": swap_getter.propose,
    "SUP104": enter_helper.propose,
    "SUP105": import_missing.propose,
    "SUP201": own_session.propose,
    "SUP203": own_session_name.propose,
    "SUP204": authors_choice.shared_session,
    "SUP301": wrap_phases.propose,
    "SUP302": begin_earlier.propose,
    "SUP303": commit_in_block.propose,
    "SUP304": wrap_phases.propose,
    "SUP305": split_status.propose,
    "SUP306": authors_choice.swallowed_error,
    "SUP308": authors_choice.lost_write,
    "SUP309": authors_choice.expired_read,
    "SUP401": template.failure_handler,
    "SUP402": template.failed_status,
    "SUP403": log_lines.guarded_update,
    "SUP404": template.outer_handler,
    "SUP405": log_lines.silent_handler,
    "SUP406": rollback_in_handler.propose,
    "SUP408": log_lines.start_log,
    "SUP501": pooler_settings.propose,
    "SUP502": pooler_settings.propose,
    "SUP601": move_import.propose,
    "SUP901": remove_noqa.propose,
}
_AT_BEST_SAFE = frozenset(rule.code for rule in RULES if rule.fix == "safe")


def look_at(engine: Engine, path: str, text: str) -> Analysis:
    """The analysis of a file's text; each finding that is left has its fix, or the reason why there is none."""
    analysis = engine.analyse_text(path, text)
    facts = engine.project.facts(path)
    if facts is None or not analysis.findings:
        return analysis
    context = Context(engine.view(facts), text, analysis.silenced, analysis.findings)
    waiting: dict[Finding, NotYet] = {}
    findings = [_with_fix(context, finding, waiting) for finding in analysis.findings]
    told = (_behind(waiting[f], f, findings) if f in waiting else f for f in findings)
    return replace(analysis, findings=tuple(told))


def _behind(not_yet: NotYet, finding: Finding, findings: Iterable[Finding]) -> Finding:
    """A finding that another fix comes before, if that is to be had: one run does it, and looks at this one again.

    The run is one that applies unsafe fixes as well, if the first fix is unsafe or this one's can be nothing else.
    """
    first = not_yet.first(findings)
    if first is None:
        return finding
    safe = first.applicability == "safe" and finding.code in _AT_BEST_SAFE
    options = "--fix" if safe else "--fix --unsafe-fixes"
    reason = f"{not_yet.cause}: {options} mends that first ({not_yet.code}), then looks at this again"
    return replace(finding, no_fix_reason=reason, behind="safe" if safe else "unsafe")


def _with_fix(context: Context, finding: Finding, waiting: dict[Finding, NotYet]) -> Finding:
    """A finding with its fix, or why there is none; one for which there is none yet is put into `waiting`."""
    propose = REWRITES.get(finding.code)
    if propose is None:
        return finding
    try:
        return replace(finding, fix=propose(context, finding), no_fix_reason=None)
    except NotYet as none:
        told = replace(finding, no_fix_reason=none.reason)
        waiting[told] = none
        return told
    except NoFix as none:
        return replace(finding, no_fix_reason=none.reason)
    except (UnparsableFile, RecursionError):
        return replace(finding, no_fix_reason="the code is nested too deeply to be rewritten")
    except Exception as error:
        noted = context.project.note(finding.path, f"the rewrite of {finding.code}", error)
        return replace(finding, no_fix_reason=str(noted))


def fixable(findings: Iterable[Finding], *, unsafe: bool) -> list[Finding]:
    """Those of some findings whose fix may be applied."""
    return [f for f in findings if f.fix is not None and (unsafe or f.fix.applicability == "safe")]
