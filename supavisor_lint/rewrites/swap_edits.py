"""The edits that put a session's statements into `async with helper() as session:`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from supavisor_lint.facts.statements import Assign, WithItem
from supavisor_lint.facts.tree import Call, Expr, Stmt
from supavisor_lint.findings import Edit, Span
from supavisor_lint.rewrites.base import Context, NoFix, shared_line
from supavisor_lint.rewrites.session_life import Life

_COMMA_AT_END = re.compile(r"[ \t]*,[ \t]*(#|$)")
_EQUALS = re.compile(r"[ \t]*(:[^=#\r\n]*)?=[ \t]*")


def entered(context: Context, life: Life, expression: str, *, begun: bool) -> list[Edit]:
    """`async with factory() as session` enters the helper instead; `begun`: and begins its transaction."""
    assert life.item is not None and life.item.target is not None
    edits = opening_edits(context, life.opening, expression)
    if begun:
        edits.append(_next_item(context, life.item, _end_of_target(context, life.item.target), f"{life.name}.begin()"))
    return edits


def _next_item(context: Context, item: WithItem, end: tuple[int, int], text: str) -> Edit:
    """One more item of a `with` behind another, which ends at `end`; on a line of its own where that one has one."""
    source, line = context.source, item.context.span.line
    before, behind = source.line(line)[: item.context.span.column - 1], source.line(end[0])[end[1] - 1 :]
    if not before.strip() and _COMMA_AT_END.match(behind) is not None:
        return source.insert_lines(end[0] + 1, [f"{source.indent_of(line)}{text},"])
    return Edit(Span(*end, *end), f", {text}")


def _end_of_target(context: Context, target: Expr) -> tuple[int, int]:
    """Line and column behind a target and the brackets that are its own: `as (session)`, but not `(… as session)`."""
    source = context.source
    end, start = source.offset(*source.end_of_expression(target)), source.offset(*target.span.start)
    opened = re.search(r"\bas[ \t]*([( \t]*)$", source.text[:start])
    for _ in range(opened[1].count("(") if opened is not None else 0):
        closing = re.compile(r"[ \t]*\)").match(source.text, end)
        if closing is None:
            raise NoFix(f"the name of the session has an unusual form (line {target.span.line})")
        end = closing.end()
    return source.position(end)


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
    """The assignment becomes the head of a block, what it lasts for goes into it, the `close()` goes."""
    assign = life.opening.parent
    assert isinstance(assign, Assign)
    if not context.source.has_lines_of_its_own([assign]):
        raise shared_line(assign.span.line)
    context.lines_of(life.statements)
    removed = dict(_removed(context, life))
    block = context.source.indent_of(life.statements[0].span.line)
    whole = life.closing is not None and len(life.closing.finalbody) == 1
    depths = dict.fromkeys(removed, None if not whole and life.closing is not None else block)
    if life.statements[0] is assign:
        edits = _head(context, assign, life, expression)
        first = context.source.extent([assign])[1] + 1
    else:
        edits = _head_above(context, assign, life, expression)
        first = life.statements[0].span.line
        opened = dict(_comments(context, *context.source.extent([assign])))
        removed |= opened
        depths |= dict.fromkeys(opened, None if life.closing is None or life.closing.handlers or not whole else block)
    still = _staying_body(context, life)
    unit = _unit(context, life, still)
    last = context.source.extent(life.statements)[1]
    edits += context.source.indented(first, last, unit, leaving={*removed, *still})
    for number, depth in depths.items():
        indent = context.source.indent_of(number) if depth is None else depth
        removed[number] = [indent + unit + comment for comment in removed[number]]
    return [*edits, *_without(context, removed)]


def _unit(context: Context, life: Life, still: range) -> str:
    """The indentation of the new block: that of the body that stays as it is, if there is one."""
    if not still or life.closing is None:
        return context.source.unit_of(life.statements[0])
    outer = context.source.indent_of(life.statements[0].span.line)
    return context.source.indent_of(life.closing.body[0].span.line).removeprefix(outer)


def _head(context: Context, assign: Assign, life: Life, expression: str) -> list[Edit]:
    """`session = factory()` becomes `async with helper() as session:`; what stands behind it stays."""
    end = _end_of_opening(context, assign, life)
    head = Edit(Span(*assign.span.start, *life.opening.span.start), "async with ")
    tail = Edit(Span(*end, *end), f" as {life.name}:")
    return [head, *opening_edits(context, life.opening, expression), tail]


def _head_above(context: Context, assign: Assign, life: Life, expression: str) -> list[Edit]:
    """The head stands above the `try` whose first statement has opened the session."""
    _end_of_opening(context, assign, life)
    line = life.statements[0].span.line
    head = f"{context.source.indent_of(line)}async with {expression}() as {life.name}:"
    return [context.source.insert_lines(line, [head])]


def _end_of_opening(context: Context, assign: Assign, life: Life) -> tuple[int, int]:
    """Where the assigned expression ends; raises NoFix if anything but `session: … = ` stands before it."""
    source = context.source
    end = source.end_of_expression(life.opening)
    start = source.offset(*source.end_of_expression(assign.targets[0]))
    between = source.text[start : source.offset(*life.opening.span.start)]
    if _EQUALS.fullmatch(between) is None or source.end_of(assign) != end:
        raise NoFix(f"the assignment of the session has an unusual form (line {assign.span.line})")
    return end


def _removed(context: Context, life: Life) -> Iterator[tuple[int, list[str]]]:
    """The lines that go, each with the comments that it leaves."""
    if life.close is None:
        return
    close, closing = life.close, life.closing
    if not context.source.has_lines_of_its_own([close]):
        if closing is None or _keyword_line(context, closing.finalbody[0], "finally") != close.span.line:
            raise shared_line(close.span.line)
        if len(closing.finalbody) > 1:
            raise shared_line(close.span.line)
    first, last = context.source.extent([close])
    if closing is not None and len(closing.finalbody) == 1:
        first = _keyword_line(context, close, "finally")
        if not closing.handlers:
            keyword = _keyword_line(context, closing.body[0], "try")
            if keyword == closing.body[0].span.line:
                raise shared_line(keyword)
            yield from _comments(context, keyword, keyword)
    yield from _comments(context, first, last)


def _comments(context: Context, first: int, last: int) -> Iterator[tuple[int, list[str]]]:
    for number in range(first, last + 1):
        text = context.source.line(number)
        comments = [text[text.index("#") :]] if "#" in text else []
        if any("noqa" in comment.lower() for comment in comments):
            raise NoFix(f"line {number} would go, and carries a `noqa`")
        yield number, comments


def _keyword_line(context: Context, statement: Stmt, keyword: str) -> int:
    """The line of the keyword that opens the block whose first statement this is."""
    pattern = re.compile(rf"\s*{keyword}\s*:")
    line = context.source.extent([statement])[0]
    if not context.source.line(line)[: statement.span.column - 1].strip():
        line -= 1
        while line > 1 and _is_blank(context.source.line(line)):
            line -= 1
    if pattern.match(context.source.line(line)) is None:
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


def _without(context: Context, removed: dict[int, list[str]]) -> Iterator[Edit]:
    """Take lines away; their comments stay."""
    run: list[int] = []
    for number in [*sorted(removed), 0]:
        if run and (number != run[-1] + 1 or removed[number]):
            yield context.source.without_lines(run[0], run[-1])
            run = []
        if number and not removed[number]:
            run.append(number)
        elif number:
            line = context.source.line(number)
            yield Edit(Span(number, 1, number, len(line) + 1), removed[number][0])
