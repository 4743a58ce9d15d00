"""Makes a disagreement small: statements are taken out as long as the same kind of disagreement stays."""

from __future__ import annotations

import ast
import builtins
import copy
from collections.abc import Callable, Iterator

_BODIES = ("body", "orelse", "finalbody")


def reduced(text: str, still_wrong: Callable[[str], bool]) -> str:
    """The smallest program found by taking out statements, one at a time, and compound statements round their body."""
    best = ast.parse(text)
    smaller = True
    while smaller:
        smaller = False
        for candidate in _smaller(best):
            if not _unbound(candidate) and still_wrong(as_text(candidate)):
                best, smaller = candidate, True
                break
    return as_text(best)


def as_text(tree: ast.Module) -> str:
    """The program, with the mark of a task that the tree has lost."""
    text = ast.unparse(tree)
    return text.replace("async def task(", "# supavisor-lint: task\nasync def task(") + "\n"


def _unbound(tree: ast.Module) -> set[str]:
    """The names that are used and never bound: such a program would only show a NameError."""
    bound = set(dir(builtins))
    used: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.AsyncFunctionDef | ast.alias):
            bound.add(node.name)
    return used - bound


def _smaller(tree: ast.Module) -> Iterator[ast.Module]:
    """The tree with one thing less, the big things first."""
    places = sorted(_places(tree), key=lambda place: -place[0])
    for _, path, how in places:
        candidate = copy.deepcopy(tree)
        if _apply(candidate, path, how):
            yield ast.fix_missing_locations(candidate)


def _places(tree: ast.Module) -> Iterator[tuple[int, int, str]]:
    """How large, which statement (its number in `ast.walk`), what to do."""
    for number, node in enumerate(ast.walk(tree)):
        if isinstance(node, ast.Import | ast.ImportFrom) or getattr(node, "name", "") == "task":
            continue
        if isinstance(node, ast.stmt):
            size = sum(1 for _ in ast.walk(node))
            yield size, number, "delete"
            if hasattr(node, "body"):
                yield size, number, "unwrap"
            if getattr(node, "orelse", None):
                yield size, number, "no-else"
            if isinstance(node, ast.Try) and node.handlers and node.finalbody:
                yield size, number, "no-handlers"


def _apply(tree: ast.Module, number: int, how: str) -> bool:
    nodes = list(ast.walk(tree))
    node = nodes[number]
    if how == "no-else":
        node.orelse = []  # type: ignore[attr-defined]
        return True
    if how == "no-handlers":
        node.handlers, node.orelse = [], []  # type: ignore[attr-defined]
        return True
    for parent in nodes:
        for name in _BODIES:
            body = getattr(parent, name, None)
            if isinstance(body, list) and node in body:
                at = body.index(node)
                body[at : at + 1] = node.body if how == "unwrap" else []  # type: ignore[attr-defined]
                if not body and name == "body":
                    body.append(ast.parse("log()").body[0])
                    return not (how == "delete" and ast.unparse(node) == "log()")
                return bool(body) or name != "finalbody" or bool(getattr(parent, "handlers", ()))
    return False
