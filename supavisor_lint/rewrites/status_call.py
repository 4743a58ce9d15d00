"""A failed status written by the function that writes the other ones: `await set_status(session, job_id, FAILED)`."""

from __future__ import annotations

from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.tree import Await, Call, Expr, Name
from supavisor_lint.flow.operations import is_own
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.project.values import FunctionValue
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.failed_status import failed_value, status_name
from supavisor_lint.rewrites.log_text import Update
from supavisor_lint.rewrites.reach import Reach, may_be_row, reads
from supavisor_lint.rewrites.same_row import Repeated
from supavisor_lint.rewrites.snippets import one_line

_ADVICE = "name the statement that records a failure with the setting `template.failure-update`"


def through_function(context: Context, reach: Reach, session: str, call: Call, value: Expr | None) -> Update:
    """The same call with the failed value instead of the other one. Raises NoFix."""
    name = last_name(call.func)
    if value is None or not isinstance(call.parent, Await):
        raise NoFix(f"nothing tells how `{name}` would record a failure: {_ADVICE}")
    callee = next(iter(functions_called(context.ev, context.file, call)), None)
    if callee is None:
        raise NoFix(f"what `{name}` does with the session is not known: {_ADVICE}")
    transaction = _wants_transaction(context, callee, call, session)
    failed = failed_value(context, value, status_name(call, value) or "status")
    imports: dict[str, None] = {}
    parts = []
    repeated = Repeated(context, reach.function)
    for arg in call.args:
        if arg.value is not value and not _can_be_read(context, reach, arg.value, session, imports):
            if arg.keyword is not None and _has_default(callee, arg.keyword):
                continue
            raise NoFix(f"`{name}` is given what may not be at hand in a handler: {_ADVICE}")
        if arg.value is not value:
            repeated.require_same_argument(name, arg.value)
        text = failed if arg.value is value else one_line(context, arg.value)
        parts.append(f"{arg.keyword}={text}" if arg.keyword is not None else arg.star + text)
    if not _can_be_read(context, reach, call.func, session, imports):
        raise NoFix(f"`{name}` may not be bound when the handler runs: {_ADVICE}")
    line = f"await {one_line(context, call.func)}({', '.join(parts)})"
    return Update(session, (line,), tuple(imports), transaction)


def _wants_transaction(context: Context, callee: FunctionValue, call: Call, session: str) -> bool:
    """Whether the function leaves the transaction to its caller; raises NoFix where it works on another session."""
    given = bind_arguments(callee, call.args)
    param = next((n for n, e in given.items() if isinstance(e, Name) and e.id == session), None)
    if param is not None:
        effects = context.view.flow.effects(callee, param)
        if effects.close is not None:
            raise NoFix(f"`{callee.node.name}` closes the session: {_ADVICE}")
        return effects.begin is None and effects.commit is None
    if any(is_own(op, callee.node) for op in context.view.flow.operations(callee.file, callee.node)):
        return False
    raise NoFix(f"on which session `{callee.node.name}` works is not known: {_ADVICE}")


def _can_be_read(context: Context, reach: Reach, expr: Expr, session: str, imports: dict[str, None]) -> bool:
    for name in reads(expr):
        if name.id == session:
            continue
        if may_be_row(context.ev, context.file, reach.function, name):
            return False
        if reach.has(name, expr):
            continue
        line = reach.import_of(name)
        if line is None:
            return False
        imports[line] = None
    return True


def _has_default(callee: FunctionValue, keyword: str) -> bool:
    param = callee.node.param(keyword)
    return param is not None and param.default is not None
