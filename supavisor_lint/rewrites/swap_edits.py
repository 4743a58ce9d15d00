"""The edits that put a session's statements into `async with helper() as session:`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from supavisor_lint.facts.statements import Assign
from supavisor_lint.facts.tree import Call, Expr, Stmt
from supavisor_lint.findings import Edit, Span
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.session_life import Life


def entered(context: Context, life: Life, expression: str, *, begun: bool) -> list[Edit]:
    """`async with factory() as session` enters the helper instead; `begun`: and begins its transaction."""
    assert life.item is not None and life.item.target is not None
    edits = opening_edits(context, life.opening, expression)
    if begun:
        end = context.source.end_of_expression(life.item.target)
        edits.append(Edit(Span(*end, *end), f", {life.name}.begin()"))
    return edits


def opening_edits(context: Context, opening: Expr, expression: str) -> list[Edit]:
    """The helper's call in the place of the expression that opens a session; comments in its brackets stay."""
    span = Span(*opening.span.start, *context.source.end_of_expression(opening))
    if isinstance(opening, Call) and not opening.args:
        func = Span(*opening.func.span.start, *context.source.end_of_expression(opening.func))
        if "#" not in context.source.at(func):
            return [Edit(func, expression)]
    if "#" in context.source.at(span):
        raise NoFix(f"there is a comment inside the expression that opens the session (line {span.line})")
    return [Edit(span, f"{expression}()")]


def assigned(context: Context, life: Life, expression: str) -> list[Edit]:
    """The assignment becomes the head of a block, what follows goes into it, the `close()` goes."""
    assign = life.statements[0]
    assert isinstance(assign, Assign)
    if not context.source.has_lines_of_its_own([assign]):
        raise NoFix(f"line {assign.span.line} holds other code as well")
    context.lines_of(life.statements)
    removed = dict(_removed(context, life))
    unit = context.source.unit_of(assign)
    first, last = context.source.extent([assign])[1] + 1, context.source.extent(life.statements)[1]
    still = _staying_body(context, life)
    edits = _head(context, assign, life, expression)
    for number in range(first, last + 1):
        if number in removed:
            continue
        if number not in still:
            edits += context.source.indented(number, number, unit)
    return [*edits, *_without(context, removed, context.source.indent_of(assign.span.line) + unit)]


def _head(context: Context, assign: Assign, life: Life, expression: str) -> list[Edit]:
    """`session = factory()` becomes `async with helper() as session:`; what stands behind it stays."""
    source = context.source
    target = assign.targets[0]
    end = source.end_of_expression(life.opening)
    before = source.text[source.offset(*source.end_of_expression(assign.annotation or target)) :]
    between = before[: source.offset(*life.opening.span.start) - (len(source.text) - len(before))]
    if re.fullmatch(r"\s*=\s*", between) is None or source.end_of(assign) != end:
        raise NoFix(f"the assignment of the session has an unusual form (line {assign.span.line})")
    head = Edit(Span(*assign.span.start, *life.opening.span.start), "async with ")
    tail = Edit(Span(*end, *end), f" as {life.name}:")
    return [head, *opening_edits(context, life.opening, expression), tail]


def _removed(context: Context, life: Life) -> Iterator[tuple[int, list[str]]]:
    """The lines that go, each with the comments that it leaves."""
    if life.close is None:
        return
    close, closing = life.close, life.closing
    if not context.source.has_lines_of_its_own([close]):
        if closing is None or _keyword_line(context, closing.finalbody[0], "finally") != close.span.line:
            raise NoFix(f"line {close.span.line} holds other code as well")
        if len(closing.finalbody) > 1:
            raise NoFix(f"line {close.span.line} holds other code as well")
    first, last = context.source.extent([close])
    if closing is not None and len(closing.finalbody) == 1:
        first = _keyword_line(context, close, "finally")
        if not closing.handlers:
            keyword = _keyword_line(context, closing.body[0], "try")
            if keyword == closing.body[0].span.line:
                raise NoFix(f"line {keyword} holds other code as well")
            yield from _comments(context, keyword, keyword)
    yield from _comments(context, first, last)


def _comments(context: Context, first: int, last: int) -> Iterator[tuple[int, list[str]]]:
    for number in range(first, last + 1):
        text = context.source.line(number)
        yield number, [text[text.index("#") :]] if "#" in text else []


def _keyword_line(context: Context, statement: Stmt, keyword: str) -> int:
    """The line of the keyword that opens the block whose first statement this is."""
    pattern = re.compile(rf"\s*{keyword}\s*:")
    line = context.source.extent([statement])[0]
    while line > 0 and pattern.match(context.source.line(line)) is None:
        line -= 1
        if line == 0 or (not _is_blank(context.source.line(line)) and pattern.match(context.source.line(line)) is None):
            raise NoFix(f"the `{keyword}` at line {statement.span.line} has an unusual form")
    return line


def _is_blank(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _staying_body(context: Context, life: Life) -> range:
    """The lines of a `try` that goes altogether: its body stands as deep as the new block's already."""
    closing = life.closing
    if closing is None or closing.handlers or len(closing.finalbody) > 1:
        return range(0)
    first = _keyword_line(context, closing.body[0], "try") + 1
    return range(first, _keyword_line(context, closing.finalbody[0], "finally"))


def _without(context: Context, removed: dict[int, list[str]], indent: str) -> Iterator[Edit]:
    """Take lines away; their comments stay, as deep as the new block."""
    run: list[int] = []
    for number in [*sorted(removed), 0]:
        if run and (number != run[-1] + 1 or removed[number]):
            yield context.source.without_lines(run[0], run[-1])
            run = []
        if number and not removed[number]:
            run.append(number)
        elif number:
            line = context.source.line(number)
            yield Edit(Span(number, 1, number, len(line) + 1), indent + removed[number][0])
