"""What every rewrite is made of: the context of a finding, and the ways to say that there is no fix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TypeAlias, TypeVar

from supavisor_lint.facts.file import FileFacts, block_of, walk
from supavisor_lint.facts.handlers import enclosing_tries
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import Stmt
from supavisor_lint.findings import Applicability, Edit, Finding, Fix, Span
from supavisor_lint.flow.follower import Follower
from supavisor_lint.flow.handlers import class_names
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.project import Project
from supavisor_lint.rewrites.source import Source
from supavisor_lint.rules import FileView

NodeT = TypeVar("NodeT", bound=Node)
GivenT = TypeVar("GivenT")
MadeT = TypeVar("MadeT")


class NoFix(Exception):  # noqa: N818 - it is named for what it says
    """There is no fix, for a `reason` that a user can act on: one line, without a full stop."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotYet(NoFix):
    """There is no fix until that of the finding of a rule (`code`) somewhere in `span` is done: `remedy` says what."""

    def __init__(self, cause: str, remedy: str, code: str, span: Span) -> None:
        super().__init__(f"{cause}: {remedy} ({code})")
        self.cause = cause
        self.code = code
        self.span = span

    def first(self, findings: Iterable[Finding]) -> Fix | None:
        """The fix that comes first, if one of some findings of the file has it."""
        start, end = self.span.start, self.span.end
        there = (f.fix for f in findings if f.code == self.code and start <= f.span.start < end)
        return next((fix for fix in there if fix is not None), None)


def shared_line(line: int) -> NoFix:
    """The reason not to move a statement that shares its line with others."""
    return NoFix(f"line {line} holds other code as well: give each statement a line of its own")


def kept_elsewhere(attribute: str) -> NoFix:
    """The reason not to move a session that an object keeps, given as `self.session`."""
    return NoFix(
        f"the session is kept in `{attribute}`, where other code can reach it: "
        "open it with `async with` in the function that uses it"
    )


class Context:
    """One file with its findings: what a rewrite may ask. `silenced` are those under a noqa or in the baseline."""

    def __init__(
        self, view: FileView, text: str, silenced: Sequence[Finding] = (), findings: Sequence[Finding] = ()
    ) -> None:
        self.view = view
        self.findings = findings
        self.source = Source(text, view.file.layout)
        self._suppressed = frozenset((finding.span.line, finding.code) for finding in silenced)

    @property
    def file(self) -> FileFacts:
        """What the file says."""
        return self.view.file

    @property
    def ev(self) -> Evaluator:
        """What an expression is."""
        return self.view.ev

    @cached_property
    def wary(self) -> Follower:
        """Follows paths for what might happen on them: what it does not find cannot happen."""
        return Follower(self.view.flow, wary=True)

    @property
    def project(self) -> Project:
        """The project around the file."""
        return self.view.project

    def node(self, finding: Finding, kind: type[NodeT]) -> NodeT:
        """The node of a kind that a finding stands at; raises NoFix if there is none."""
        for known in self.view.found_at(finding.span):
            if isinstance(known, kind):
                return known
        functions = [f for f in self.file.functions if f.qualname == finding.function]
        for around in (*functions, self.file.module):  # the module last: to know where a node stands costs
            for node in walk(around):
                if isinstance(node, kind) and node.span == finding.span:
                    return node
        raise NoFix("the code at the finding has an unusual form")

    def refuse_suppressed(self, nodes: Iterable[Node], *codes: str) -> None:
        """Raise NoFix if one of some nodes has a finding under a noqa or in the baseline: that is not rewritten."""
        for node in nodes:
            for code in codes:
                if (node.span.line, code) in self._suppressed:
                    raise NoFix(f"the rewrite would change line {node.span.line}, where {code} is suppressed")

    def refuse_caught(self, node: Node, *errors: str) -> None:
        """Raise NoFix where a handler waits for the very error that code can but raise: it is there on purpose."""
        for statement, part in enclosing_tries(node):
            for handler in statement.handlers if part == "body" else ():
                caught = set(class_names(handler.type)) & set(errors) if handler.type is not None else set()
                if caught:
                    raise NoFix(f"line {handler.span.line} expects the {min(caught)} that is raised here")

    def statement_of(self, node: Node) -> Stmt:
        """The statement that a node stands in, the innermost one."""
        child: Node | None = node
        while child is not None and not isinstance(child, Stmt):
            child = child.parent
        if child is None:
            raise NoFix("the code stands in no statement")
        return child

    def lines_of(self, statements: Sequence[Stmt]) -> tuple[int, int]:
        """First and last line of neighbouring statements that share them with nothing else; raises NoFix."""
        if not self.source.has_lines_of_its_own(statements):
            raise shared_line(statements[0].span.line)
        return self.source.extent(statements)

    # ----------------------------------------------------------------------------------------- pieces of rewrites

    def wrap(self, statements: Sequence[Stmt], header: str, *, drop: Stmt | None = None, upto: int = 0) -> list[Edit]:
        """Put neighbouring statements into a block: the header (without indentation) above, all of them indented.

        The comments directly above go into the block with the statements that they speak of. `drop`, the statement
        behind them, goes; its comments stay, in the block. `upto` is a line behind the statements to which the block
        reaches: the comments up to there are indented as well.
        """
        held = [*statements, drop] if drop is not None else list(statements)
        first, last = self.lines_of(held)
        indent, unit = self.source.indent_of(first), self.source.unit_of(statements[0])
        first = self.with_comments_above(first)
        head = self.source.insert_lines(first, [indent + header])
        if drop is None:
            return [head, *self.source.indented(first, max(self.with_comments_inside(last, indent), upto), unit)]
        if not self.source.has_lines_of_its_own([drop]):
            if self.source.extent([drop])[0] != last and self._comments_in(drop):
                raise shared_line(last)
            span = Span(*drop.span.start, *self.source.end_of(drop))
            return [head, *self.source.indented(first, last, unit), self._cut_from_line(drop, block_of(drop), span)]
        end, _ = self.source.extent([drop])
        kept = [indent + unit + text for text in self._comments_in(drop)]
        return [head, *self.source.indented(first, end - 1, unit), *self._replaced(end, last, kept)]

    def header_instead(self, statement: Stmt, outer: Stmt, header: str) -> list[Edit]:
        """Put a header, indented like a statement around it, in a statement's place: what follows is in its block."""
        first, last = self.lines_of([statement])
        inner = self.source.indent_of(first)
        lines = [inner + text for text in self._comments_in(statement)]
        return self._replaced(first, last, [*lines, self.source.indent_of(outer.span.line) + header])

    def _replaced(self, first: int, last: int, lines: Sequence[str]) -> list[Edit]:
        """Whole lines replaced by others (given without ends)."""
        gone = self.source.without_lines(first, last)
        if not lines:
            return [gone]
        content = "".join(f"{line}{self.source.newline}" for line in lines)
        if not self.source.lines[last - 1].endswith(("\n", "\r")):
            content = content.removesuffix(self.source.newline)
        span = Span(first, 1, last, len(self.source.lines[last - 1]) + 1)
        if self.source.lines[last - 1].endswith(("\n", "\r")):
            span = Span(first, 1, last + 1, 1)
        return [Edit(span, content)]

    def with_comments_above(self, line: int) -> int:
        """The first of the comment lines directly above a line that are indented like it; else the line itself."""
        indent = self.source.indent_of(line)
        while line > 1:
            above = self.source.line(line - 1)
            if not above.lstrip().startswith("#") or self.source.indent_of(line - 1) != indent:
                break
            if line - 1 in self.source.layout.inside_strings:
                break
            line -= 1
        return line

    def with_comments_inside(self, line: int, indent: str) -> int:
        """The last of the comment lines behind a line that are indented deeper than `indent`: they end its body."""
        found = line
        while line < len(self.source.lines):
            line += 1
            text = self.source.line(line)
            deeper = self.source.indent_of(line).startswith(indent) and len(self.source.indent_of(line)) > len(indent)
            if text.lstrip().startswith("#") and deeper:
                found = line
            elif text.strip():
                break
        return found

    def remove(self, statement: Stmt) -> list[Edit]:
        """Take a statement away: its lines, or only itself beside others; its comment stays.

        The only statement of a block becomes `pass`.
        """
        span = Span(*statement.span.start, *self.source.end_of(statement))
        block = block_of(statement)
        first, last = self.source.extent([statement])
        if len(block) == 1 and first == last:
            return [Edit(span, "pass")]
        if not self.source.has_lines_of_its_own([statement]):
            if self._comments_in(statement) and first != last:
                raise shared_line(first)
            return [Edit(span, "pass")] if len(block) == 1 else [self._cut_from_line(statement, block, span)]
        left = [*self._comments_in(statement), *(["pass"] if len(block) == 1 else [])]
        return self._replaced(first, last, [self.source.indent_of(first) + text for text in left])

    def _comments_in(self, statement: Stmt) -> list[str]:
        """The comments on the lines of a statement that has lines of its own."""
        first, last = self.source.extent([statement])
        if "#" not in "".join(self.source.lines[first - 1 : last]):
            return []
        return [text for line, text in self.source.layout.comment_lines if first <= line <= last]

    def _cut_from_line(self, statement: Stmt, block: Sequence[Stmt], span: Span) -> Edit:
        """One of `a; b`: it goes with the semicolon behind it, or before it if it is the last."""
        index = next(i for i, other in enumerate(block) if other is statement)
        if index + 1 < len(block) and block[index + 1].span.line == span.end_line:
            return Edit(Span(*span.start, *block[index + 1].span.start), "")
        if index and self.source.end_of(block[index - 1])[0] == span.line:
            return Edit(Span(*self.source.end_of(block[index - 1]), *span.end), "")
        raise shared_line(span.line)

    @staticmethod
    def fix(applicability: Applicability, title: str, edits: Iterable[Edit]) -> Fix:
        """A fix of these edits, in order."""
        return Fix(applicability, title, tuple(sorted(edits, key=lambda edit: edit.span)))


Propose: TypeAlias = Callable[[Context, Finding], Fix]


def first_that_works(make: Callable[[GivenT], MadeT], candidates: Iterable[GivenT]) -> MadeT:
    """What can be made of the first of some candidates (one at least); raises the first one's NoFix if none will do."""
    first: NoFix | None = None
    for candidate in candidates:
        try:
            return make(candidate)
        except NoFix as none:  # noqa: PERF203 - a candidate that will not do is what this is about
            first = first or none
    raise first or NoFix("there is nothing to choose from")


def neighbours(statements: Iterable[Stmt]) -> Iterator[list[Stmt]]:
    """Statements of one block, cut into runs that stand next to each other."""
    run: list[Stmt] = []
    for statement in statements:
        if run:
            block = block_of(run[-1])
            at = next(i for i, other in enumerate(block) if other is run[-1])
            if at + 1 >= len(block) or block[at + 1] is not statement:
                yield run
                run = []
        run.append(statement)
    if run:
        yield run
