"""What the lines of a program are: which statement, inside which `try`, which `except`, which `async with`."""

from __future__ import annotations

import ast
from functools import cached_property


class Lines:
    """Asks about one program; lines count from 1."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tree = ast.parse(text)
        self._nodes = list(ast.walk(self._tree))

    @cached_property
    def _starts(self) -> dict[int, int]:
        starts: dict[int, int] = {}
        for node in self._nodes:
            if isinstance(node, ast.stmt):
                body = getattr(node, "body", None) or getattr(node, "cases", None)
                end = node.end_lineno or node.lineno
                if body:
                    first = body[0].pattern if isinstance(body[0], ast.match_case) else body[0]
                    end = max(node.lineno, first.lineno - 1)
                for line in range(node.lineno, end + 1):
                    starts[line] = node.lineno
        return starts

    def start(self, line: int) -> int:
        """The first line of the statement (or of the head of the compound statement) that stands on a line."""
        return self._starts.get(line, line)

    @cached_property
    def _handlers(self) -> list[ast.ExceptHandler]:
        return [node for node in self._nodes if isinstance(node, ast.ExceptHandler)]

    def in_handler(self, line: int) -> bool:
        """Whether a line stands in the body of an `except`."""
        return bool(self.handlers_with(line))

    def handlers_with(self, line: int) -> list[int]:
        """The lines of the `except`s in whose bodies a line stands, innermost first."""
        return sorted((h.lineno for h in self._handlers if h.lineno < line <= (h.end_lineno or 0)), reverse=True)

    def share_handler(self, one: int, other: int) -> bool:
        """Whether the innermost `except` around two lines is the same."""
        around = [self.handlers_with(line)[:1] for line in (one, other)]
        return around[0] != [] and around[0] == around[1]

    def is_left_in_finally(self, line: int) -> bool:
        """Whether a `try` around a line has a `return`, `break` or `continue` in its `finally`."""
        return any(
            node.body[0].lineno <= line < node.finalbody[0].lineno
            and any(
                isinstance(inner, ast.Return | ast.Break | ast.Continue)
                for s in node.finalbody
                for inner in ast.walk(s)
            )
            for node in self._nodes
            if isinstance(node, ast.Try) and node.finalbody
        )

    @cached_property
    def _tries(self) -> list[tuple[int, int, list[int]]]:
        return [
            (node.body[0].lineno, node.body[-1].end_lineno or 0, [handler.lineno for handler in node.handlers])
            for node in self._nodes
            if isinstance(node, ast.Try)
        ]

    def handlers_around(self, line: int, within: int) -> list[int]:
        """The lines of the `except`s that may catch what a line raises, of tries that begin after line `within`."""
        return [
            handler
            for first, last, handlers in self._tries
            if first <= line <= last and within < first
            for handler in handlers
        ]

    def is_caught_narrowly(self, line: int) -> bool:
        """Whether the innermost `try` with handlers around a line catches something narrower than Exception."""
        around = [
            node
            for node in self._nodes
            if isinstance(node, ast.Try) and node.handlers
            if node.body[0].lineno <= line <= (node.body[-1].end_lineno or 0)
        ]
        inner = max(around, key=lambda node: node.lineno, default=None)
        return inner is not None and not any(
            handler.type is None or "Exception" in ast.unparse(handler.type).split() for handler in inner.handlers
        )

    def share_try(self, one: int, other: int) -> bool:
        """Whether two lines stand in the body of one `try` that has an `except`."""
        return any(
            handlers and first <= min(one, other) and max(one, other) <= last for first, last, handlers in self._tries
        )

    def text_of(self, line: int) -> str:
        """A line of the program."""
        return self._text.splitlines()[line - 1]

    def goes_over_list(self, line: int) -> bool:
        """Whether a list comprehension stands on a line."""
        return any(isinstance(node, ast.ListComp) and node.lineno == line for node in self._nodes)

    def session_loops_around(self, line: int) -> list[int]:
        """The lines of the `async for` loops around a line."""
        return [
            node.lineno
            for node in self._nodes
            if isinstance(node, ast.AsyncFor) and node.lineno < line <= (node.end_lineno or 0)
        ]

    def helper_of(self, line: int) -> str | None:
        """The name of the helper that a line stands in; None in the task."""
        for node in self._tree.body:
            if isinstance(node, ast.AsyncFunctionDef) and node.lineno <= line <= (node.end_lineno or 0):
                return node.name if node.name.startswith("helper_") else None
        return None

    def raises_behind(self, line: int) -> bool:
        """Whether a `raise` stands behind a line in the body of the same `try`, or one is sure to be met and caught."""
        raised = [node.lineno for node in self._nodes if isinstance(node, ast.Raise)]
        return any(line < other and self.share_try(line, other) for other in raised) or self._is_stopped_behind(line)

    def _is_stopped_behind(self, line: int) -> bool:
        """Whether a `try` behind a line runs into a `raise` with an error of its own, there or in a called function."""
        stops = [node.lineno for node in self._nodes if isinstance(node, ast.Raise) and node.exc is not None]
        tries = [(first, last) for first, last, handlers in self._tries if handlers and line < last]
        return any(
            first <= stop <= last or not self._share_function(line, stop) for stop in stops for first, last in tries
        )

    def _share_function(self, one: int, other: int) -> bool:
        """Whether every function around one line is around the other as well."""
        functions = (node for node in self._nodes if isinstance(node, ast.AsyncFunctionDef))
        return all(
            (f.lineno <= one <= (f.end_lineno or 0)) == (f.lineno <= other <= (f.end_lineno or 0)) for f in functions
        )

    def in_finally(self, line: int) -> bool:
        """Whether a line stands in a `finally`."""
        return any(
            node.finalbody[0].lineno <= line <= (node.finalbody[-1].end_lineno or 0)
            for node in self._nodes
            if isinstance(node, ast.Try) and node.finalbody
        )
