"""SUP403, SUP405, SUP408: a failure update is guarded, a silent handler logs, a task says that it starts. Unsafe."""

from __future__ import annotations

from supavisor_lint.facts.file import enclosing_function, walk_own
from supavisor_lint.facts.handlers import broad_handlers
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import For, FunctionDef, Handler, Simple, Try, With, is_docstring
from supavisor_lint.facts.tree import Await, Expr, Stmt
from supavisor_lint.findings import Edit, Finding, Fix, Span
from supavisor_lint.rewrites.base import Context, NoFix, NotYet
from supavisor_lint.rewrites.handlers import is_jump, put_in_try
from supavisor_lint.rewrites.log_text import Logs, handler
from supavisor_lint.rewrites.logs import logger_of


def start_log(context: Context, finding: Finding) -> Fix:
    """SUP408: a log line as the first statement behind the docstring."""
    function = context.node(finding, FunctionDef)
    logger = logger_of(context, function)
    body = list(function.body)
    after_docstring = is_docstring(body[0], body)
    if after_docstring and len(body) == 1:
        raise NoFix("the function has no body")
    first = body[1] if after_docstring else body[0]
    line, _ = context.lines_of([first])
    indent = context.source.indent_of(line)
    insert = context.source.insert_lines(context.with_comments_above(line), [indent + logger.logs.started])
    return Context.fix("unsafe", f"Log the start of `{function.name}`", [insert, *logger.edits])


def silent_handler(context: Context, finding: Finding) -> Fix:
    """SUP405: a log line at the head of the handler, in the place of a `pass`; it says what the handler does."""
    node = context.node(finding, Handler)
    logger = logger_of(context, _function_around(node))
    edit = _at_head(context, node, _what_failed(context, node, logger.logs))
    return Context.fix("unsafe", "Log the error that is caught here", [edit, *logger.edits])


def _what_failed(context: Context, node: Handler, logs: Logs) -> str:
    """The log line of a handler: of the task, of a failure update in its `try`, or of what else is ignored."""
    start = node.span.start
    is_told_to = any(f.code == "SUP402" and f.span.start == start for f in context.findings)
    if is_told_to or _records(context, node):
        return logs.failed
    first = node.parent.body[0].span.start if isinstance(node.parent, Try) else start
    guards = any(f.code == "SUP403" and first <= f.span.start < start for f in context.findings)
    return logs.unrecorded if guards else logs.ignored


def _records(context: Context, node: Handler) -> bool:
    """Whether a handler, or the `finally` beside it, records the failure."""
    shapes = (shape for _, shape in context.view.working_tasks if node in shape.broad_handlers)
    return any(shape.failure_update(node) is not None for shape in shapes)


def _at_head(context: Context, node: Handler, line: str) -> Edit:
    first = node.body[0]
    span = Span(*first.span.start, *context.source.end_of(first))
    if len(node.body) == 1 and isinstance(first, Simple) and first.keyword == "pass":
        return Edit(span, line)
    if not context.source.has_lines_of_its_own([first]) and first.span.line == node.span.line:
        return Edit(Span(*span.start, *span.start), f"{line}; ")
    top, _ = context.source.extent([first])
    indent = context.source.indent_of(top)
    return context.source.insert_lines(context.with_comments_above(top), [indent + line])


def guarded_update(context: Context, finding: Finding) -> Fix:
    """SUP403: the failure update, with all that follows it in its handler, in a `try` that logs."""
    node = context.node(finding, Expr)
    around = _handler_of(context, finding, node)
    _require_a_log(context, node)
    statements = list(around.body)
    first = next(i for i, s in enumerate(statements) if s.contains(node))
    while first > 0 and _awaits(statements[first - 1]):
        first -= 1  # the rollback before it, the reading of the row, and what else can fail
    run = statements[first:]
    while len(run) > 1 and is_jump(run[-1]):
        run.pop()
    if is_jump(run[-1]):
        raise NoFix("the failure update is part of the statement that leaves the handler")
    logger = logger_of(context, _function_around(node))
    lines = handler([logger.logs.unrecorded], context.source.unit_of(run[0]))
    edits = put_in_try(context, run, lines)
    return Context.fix("unsafe", "Guard the failure update", [*edits, *logger.edits])


def _handler_of(context: Context, finding: Finding, node: Node) -> Handler:
    """The handler that the finding speaks of: the one whose place it gives."""
    lines = {place.line for place in finding.related if place.path == finding.path}
    parent = node.parent
    while parent is not None and not isinstance(parent, FunctionDef):
        if isinstance(parent, Handler) and parent.span.line in lines:
            return parent
        parent = parent.parent
    raise NoFix("the failure update stands outside its handler")


def _require_a_log(context: Context, node: Node) -> None:
    """Raise NotYet for an update in a `try` whose handler is only silent: with a log line there it is guarded."""
    for around in broad_handlers(node):
        if any(f.code == "SUP405" and f.span.start == around.span.start for f in context.findings):
            raise NotYet("the handler that guards it is silent", "let that one log first", "SUP405", around.span)


def _awaits(statement: Stmt) -> bool:
    return any(isinstance(n, Await) or (isinstance(n, With | For) and n.is_async) for n in walk_own(statement))


def _function_around(node: Node) -> FunctionDef:
    function = enclosing_function(node)
    if function is None:
        raise NoFix("the code stands in no function")
    return function
