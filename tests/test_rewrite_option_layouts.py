"""Options without effect go from calls and dicts of every layout: the others, their comments and their commas stay."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path

import pytest
from rewrite_support import fix_project

HEAD = "from sqlalchemy.ext.asyncio import create_async_engine\n"
URL = '"postgresql+asyncpg://app@x.pooler.supabase.com:6543/app"'
OFF = 'connect_args={"statement_cache_size": 0, "prepared_statement_cache_size": (0)}'
GONE = ["no_prepare", "raw_sql", "pgbouncer"]
KEPT = [("isolation_level", '"a, b # c"'), ("logging_token", "(1)"), ("stream_results", "[(1, 2), {3: 4}]")]
LAYOUTS = ["one line", "one line,", "lines", "lines,", "hanging", "pairs"]
COMMENTS = ["none", "behind", "above"]


def orders() -> Iterator[tuple[bool, ...]]:
    """Which of one to three elements go: at least one."""
    for number in range(1, 4):
        yield from (gone for gone in product([True, False], repeat=number) if any(gone))


def items_of(are_gone: Sequence[bool], form: str) -> list[str]:
    gone, kept = iter(GONE), iter(KEPT)
    pairs = [(next(gone), "True") if is_gone else next(kept) for is_gone in are_gone]
    return [form.format(name, value) for name, value in pairs]


def laid_out(items: Sequence[str], layout: str, comments: str) -> str:
    """Elements between brackets, without these."""
    if layout.startswith("one line"):
        return ", ".join(items) + layout.removeprefix("one line")
    lines = []
    step = 2 if layout == "pairs" else 1
    for at in range(0, len(items), step):
        is_last = at + step >= len(items)
        comma = "" if is_last and layout in ("lines", "hanging") else ","
        note = f"# of {items[at].split('=')[0].split(':')[0]}, at {at}"
        above = [note] if comments == "above" and (at or layout != "hanging") else []
        behind = f"  {note}" if comments == "behind" and not (is_last and layout == "hanging") else ""
        lines += [*above, ", ".join(items[at : at + step]) + comma + behind]
    inner = "\n        ".join(lines)
    return inner if layout == "hanging" else f"\n        {inner}\n    "


def in_call(are_gone: Sequence[bool], layout: str, comments: str) -> str:
    kept = [URL, OFF]
    return f"create_async_engine({laid_out([*kept, *items_of(are_gone, '{}={}')], layout, comments)})"


def in_call_before_others(are_gone: Sequence[bool], layout: str, comments: str) -> str:
    return f"create_async_engine({laid_out([*items_of(are_gone, '{}={}'), f'url={URL}', OFF], layout, comments)})"


def in_call_that_needs_more(are_gone: Sequence[bool], layout: str, comments: str) -> str:
    return f"create_async_engine({laid_out([URL, *items_of(are_gone, '{}={}')], layout, comments)})"


def in_dict(are_gone: Sequence[bool], layout: str, comments: str) -> str:
    inner = laid_out(items_of([*are_gone, False], '"{}": {}'), layout, comments)
    return f"create_async_engine({URL}, execution_options={{{inner}}}, {OFF})"


def in_dict_behind_others(are_gone: Sequence[bool], layout: str, comments: str) -> str:
    inner = laid_out(items_of([False, *are_gone], '"{}": {}'), layout, comments)
    return f"create_async_engine({URL}, execution_options={{{inner}}}, {OFF})"


def comments_of(text: str) -> Counter[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return Counter(token.string for token in tokens if token.type == tokenize.COMMENT)


class Without(ast.NodeTransformer):
    """What is expected: the same program without the options that do nothing."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        node.keywords = [keyword for keyword in node.keywords if keyword.arg not in GONE]
        return self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        pairs = [
            (k, v)
            for k, v in zip(node.keys, node.values, strict=True)
            if not (isinstance(k, ast.Constant) and k.value in GONE)
        ]
        node.keys, node.values = [key for key, _ in pairs], [value for _, value in pairs]
        return self.generic_visit(node)


Holder = Callable[[Sequence[bool], str, str], str]


@pytest.mark.parametrize("comments", COMMENTS)
@pytest.mark.parametrize(
    "holder", [in_call, in_call_before_others, in_call_that_needs_more, in_dict, in_dict_behind_others]
)
def test_only_the_options_without_effect_go(tmp_path: Path, holder: Holder, comments: str) -> None:
    layouts = [layout for layout in LAYOUTS if comments == "none" or not layout.startswith("one line")]
    cases = [(gone, layout) for gone in orders() for layout in layouts]
    before = HEAD + "".join(f"e{n} = {holder(gone, how, comments)}\n" for n, (gone, how) in enumerate(cases))
    fixed = fix_project(tmp_path, {"app/db.py": before}, unsafe=True)
    assert [(f.span.line, f.no_fix_reason) for f in fixed.result.findings] == []
    after = fixed.changes[0].after
    expected = ast.parse(before)
    for want, got in zip(Without().visit(expected).body, ast.parse(after).body, strict=True):
        if holder is in_call_that_needs_more and isinstance(want, ast.Assign):
            want.value.keywords += ast.parse(f"f({OFF})", mode="eval").body.keywords  # type: ignore[attr-defined]
        assert ast.unparse(got) == ast.unparse(want)
    assert comments_of(after) == comments_of(before)
    assert re.search(r"[ \t]$|\n\n|,\s*,", after, re.MULTILINE) is None
