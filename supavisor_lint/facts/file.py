"""What one file says: its lowered tree and the indexes over it. Bytes in, plain data out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Scope
from supavisor_lint.facts.statements import ClassDef, FunctionDef, Module
from supavisor_lint.facts.tree import Attribute, Block, Call, Comprehension, Generator, Lambda, Name
from supavisor_lint.sources.nesting import too_deep_at
from supavisor_lint.sources.syntax import refusal

if TYPE_CHECKING:
    import libcst as cst

    from supavisor_lint.facts.layout import Layout

_NodeT = TypeVar("_NodeT", bound=Node)

_TOO_DEEP = "the code is nested too deeply to be analysed"
_TASK_MARK = re.compile(r"#\s*supavisor-lint:\s*task\b")


class UnparsableFile(Exception):  # noqa: N818 - it is named for what the file is
    """LibCST cannot read the text. `line` and `column` count from 1."""

    def __init__(self, reason: str, line: int = 1, column: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.column = column


@dataclass(slots=True, eq=False)
class FileFacts:
    """One file. `path` is relative to the root and POSIX; the lists are in source order (inner definitions first)."""

    path: str
    module: Module
    calls: list[Call]
    names: dict[str, list[Name]]
    attributes: dict[str, list[Attribute]]
    functions: list[FunctionDef]
    classes: list[ClassDef]
    layout: Callable[[], Layout]
    """Reads what the text says besides its code; raises UnparsableFile where it is nested too deeply."""

    @property
    def scopes(self) -> list[Scope]:
        """The scopes of the module, its functions and its classes."""
        return [self.scope, *(f.scope for f in self.functions), *(c.scope for c in self.classes)]

    @property
    def scope(self) -> Scope:
        """The module scope."""
        return self.module.scope


def read_facts(path: str, text: str) -> FileFacts:
    """Parse and lower one file (`text`: decoded, newlines as in the file).

    Raises UnparsableFile for text that LibCST does not accept or that is nested too deeply.
    """
    import libcst as cst  # heavy: only a file that matters pays for it

    from supavisor_lint.facts.lower import Lowering
    from supavisor_lint.facts.parsing import parse_module
    from supavisor_lint.facts.positions import Locator

    place = too_deep_at(text)
    if place is not None:
        raise UnparsableFile(_TOO_DEEP, *place)
    try:
        tree = parse_module(text)
        lowering = Lowering()
        module = lowering.module(tree)
    except cst.ParserSyntaxError as error:
        raise _unparsable(text, error) from None
    except RecursionError:
        raise UnparsableFile(_TOO_DEEP) from None
    module.locator = Locator(tree, text, lowering.sections).locate
    _mark_tasks(text, lowering.functions)
    return FileFacts(
        path,
        module,
        lowering.calls,
        lowering.names,
        lowering.attributes,
        lowering.functions,
        lowering.classes,
        partial(_layout, tree, text),
    )


def _layout(tree: cst.Module, text: str) -> Layout:
    from supavisor_lint.facts.layout import layout_of

    return layout_of(tree, text)


def _unparsable(text: str, error: cst.ParserSyntaxError) -> UnparsableFile:
    """What is wrong with a text, and where: in Python's words, unless Python only does not know a syntax yet.

    LibCST puts what its tokenizer refuses on the first line, and knows no reason for anything else.
    """
    lines = re.split(r"\r\n?|\n", text.rstrip("\r\n"))
    said = refusal(text)
    if isinstance(said, SyntaxError) and said.lineno is not None and not _reads_up_to(lines, said.lineno):
        return _at(lines, said.msg, said.lineno, said.offset or 1)
    first = error.message.strip().partition("\n")[0]
    place = re.match(r"parser error: error at (\d+):(\d+): (.*)", first)
    if place is not None:  # where LibCST's parser names a place itself, that is where the error is
        return _at(lines, "invalid syntax", int(place[1]), int(place[2]))
    reason = first.removeprefix("tokenizer error: ") or "invalid syntax"
    return _at(lines, reason, error.raw_line, error.raw_column + 1)


def _at(lines: list[str], reason: str, line: int, column: int) -> UnparsableFile:
    """An error at a place; what is missing at the end of a file is missed one line behind it, by both parsers."""
    if line <= len(lines):
        return UnparsableFile(reason, line, max(1, column))
    return UnparsableFile(reason, len(lines), len(lines[-1]) + 1)


def _reads_up_to(lines: list[str], line: int) -> bool:
    """Whether LibCST accepts a text as far as a line (from 1) at which Python stops: then the error is behind it."""
    import libcst as cst

    from supavisor_lint.facts.parsing import parse_module

    read, rest = lines[:line], lines[line:]
    if not rest:
        return False
    if read[-1].partition("#")[0].rstrip().endswith(":"):  # the head of a block needs one
        read.append(f"{read[-1].removesuffix(read[-1].lstrip())} pass")
    try:
        parse_module("\n".join([*read, ""]))
    except (cst.ParserSyntaxError, RecursionError):
        return False
    return True


def _mark_tasks(text: str, functions: list[FunctionDef]) -> None:
    if not _TASK_MARK.search(text):
        return
    lines = re.split(r"\r\n?|\n", text)
    for function in functions:
        first = min([function.span.line, *(d.span.line for d in function.decorators)])
        above = lines[first - 2] if first > 1 else ""
        over_def = lines[function.span.line - 2] if function.span.line > 1 else ""
        marked = _TASK_MARK.search(lines[function.span.line - 1]) is not None
        for line in (above, over_def):
            marked = marked or (line.lstrip().startswith("#") and _TASK_MARK.search(line) is not None)
        function.marked_as_task = marked


# Tuples: a union would be made anew at each of many questions.
_DEFINITIONS = (FunctionDef, ClassDef, Lambda)
_MAY_OPEN_SCOPE = (*_DEFINITIONS, Module, Comprehension, Generator)


def scope_of(node: Node) -> Scope:
    """The scope in which an expression or statement is evaluated."""
    try:
        return node._scope
    except AttributeError:
        node._scope = _find_scope(node)
        return node._scope


def _find_scope(node: Node) -> Scope:
    parent = node.parent
    if parent is None:
        raise ValueError("a node outside any module has no scope")
    if not isinstance(parent, _MAY_OPEN_SCOPE):
        return scope_of(parent)
    if isinstance(parent, Module | Comprehension):
        return parent.scope
    if isinstance(parent, FunctionDef | ClassDef) and node in parent.body:
        return parent.scope
    if isinstance(parent, Lambda) and node is parent.body:
        return parent.scope
    if isinstance(parent, Generator) and node is parent.iter:
        comprehension = parent.parent
        if isinstance(comprehension, Comprehension) and comprehension.generators[0] is parent:
            return scope_of(comprehension)  # Python evaluates the first iterable in the scope around it
    return scope_of(parent)


def enclosing_function(node: Node) -> FunctionDef | None:
    """The function whose body holds the node, through lambdas and comprehensions; None elsewhere."""
    child: Node = node
    parent = node.parent
    while parent is not None:
        if isinstance(parent, FunctionDef) and child in parent.body:
            return parent
        if isinstance(parent, ClassDef) and child in parent.body:
            return None
        child, parent = parent, parent.parent
    return None


def block_of(node: Node) -> Block:
    """The list of statements that a node's own statement stands in."""
    child: Node = node
    while child.parent is not None:
        for name in ("body", "orelse", "finalbody"):
            block = getattr(child.parent, name, ())
            if isinstance(block, tuple) and any(statement is child for statement in block):
                return block
        child = child.parent
    return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, nested functions included, in source order."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        waiting += found.children()[::-1]


@kept
def nodes_in(function: FunctionDef) -> tuple[Node, ...]:
    """Everything in the body of a function, nested functions included, in source order."""
    found: list[Node] = []
    waiting: list[Node] = list(function.body[::-1])
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting += node.children()[::-1]
    return tuple(found)


@kept
def _by_kind(function: FunctionDef) -> dict[type[Node], list[Node]]:
    found: dict[type[Node], list[Node]] = {}
    for node in nodes_in(function):
        found.setdefault(type(node), []).append(node)
    return found


def nodes_of_kind(function: FunctionDef, kind: type[_NodeT]) -> list[_NodeT]:
    """Those of `nodes_in` that are of one class, in source order: most questions are about a few nodes of many."""
    found: list[Any] = _by_kind(function).get(kind, [])
    return found


def walk_own(node: Node) -> Iterator[Node]:
    """The node and everything below it, but not the bodies of functions, lambdas and classes nested in it."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        if found is node or not isinstance(found, _DEFINITIONS):
            yield found
            waiting += found.children()[::-1]
