"""The lowered tree: positions agree with LibCST's own, scopes with Python's own."""

from __future__ import annotations

import ast
import symtable
from pathlib import Path

import libcst as cst
import pytest
from libcst.metadata import MetadataWrapper, PositionProvider

from supavisor_lint.facts.file import enclosing_function, read_facts, scope_of, walk
from supavisor_lint.facts.lower import Lowering
from supavisor_lint.facts.positions import Locator
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.facts.tree import Stmt
from supavisor_lint.sources.reading import UndecodableFile, decode

HERE = Path(__file__).parent
SOURCES = sorted(
    [*HERE.glob("*.py"), *HERE.parent.glob("supavisor_lint/**/*.py"), *HERE.parent.glob("fixtures/**/*.py")]
)

ODD = """\
# a comment first
\tx = 1 if False else 2
"""

EVERYTHING = """
@decorator(lambda *a, k=1, **kw: (a, kw))
class Thing(Base, metaclass=Meta):
    field: "list[int] | None" = None
    bad: "not a type(" = None

    async def method(self, a, /, b: int = 2, *rest, c=3, **more) -> "Thing":
        global shared
        shared = {**more, "a": [*rest], b: {1, 2, *rest}}
        async with (open_it() as (one, *two), other(),):
            async for i, (j, k) in one:
                yield f"{i!r:>{j}} {k + 1}" "tail" + b"".decode()
        while (n := a.pop()) and not b or c: break
        else: pass
        try:
            raise ValueError(a[1:2, ...]) from None
        except* (A, B) as group:
            del group, a.b
        match a:
            case [x, *others] | {"k": x, **others}: print(x)
            case Point(x=0, y=yy) as p if p: return
            case _: assert a, "msg"
        a.b += await c(*rest, key=b, **more); ok = -b ** 2 < 3 <= c != 1.5e3
        return [x for x in a if x async for y in x], {k: v for k, v in b}, {s for s in c}, (g for g in a)

def inner():
    count = 0
    def nested():
        nonlocal count
        count = yield from nested()
        return ..., None, True, 0x_f, 1j, a @ b, a if b else c, "a" "b", f"{a=}"
import a.b.c, d as e
from . import f
from ..g import (h as i, j)
from k import *
"""


@pytest.mark.parametrize("text", [EVERYTHING, EVERYTHING.replace("\n", "\r\n"), EVERYTHING.replace("    ", "\t")])
def test_positions_of_everything(text: str) -> None:
    assert_positions(text)


@pytest.mark.parametrize("path", SOURCES[::7], ids=lambda path: path.name)
def test_positions_of_real_files(path: Path) -> None:
    try:
        text = decode(path.read_bytes())
    except UndecodableFile:
        pytest.skip("a fixture of bytes that are no text")
    try:
        cst.parse_module(text)
    except cst.ParserSyntaxError:
        pytest.skip("a fixture of broken code")
    assert_positions(text)


def assert_positions(text: str) -> None:
    """Our spans are those of LibCST's PositionProvider, for every expression and the start of every statement."""
    tree = cst.parse_module(text)
    lowering = Lowering()
    lowering.module(tree)
    wanted = [one for section in lowering.sections for one in section.wanted]
    locator = Locator(tree, text, lowering.sections)
    for _, _, node in wanted:
        locator.locate(node.order)
    expected = MetadataWrapper(tree, unsafe_skip_copy=True).resolve(PositionProvider)
    checked = 0
    for first, last, node in wanted:
        if last is not None or first not in expected or isinstance(first, cst.Slice | cst.Module):
            continue
        code_range = expected[first]
        assert node.span.start == (code_range.start.line, code_range.start.column + 1), cst.Module([]).code_for_node(
            first
        )
        if isinstance(first, cst.BaseExpression):
            assert node.span.end == (code_range.end.line, code_range.end.column + 1)
        checked += 1
    assert checked > 3 or len(text) < 200


def test_order_follows_the_source() -> None:
    facts = read_facts("a.py", EVERYTHING)
    nodes = [node for statement in facts.module.body for node in walk(statement) if isinstance(node, Stmt)]
    assert sorted(nodes, key=lambda node: node.order) == sorted(nodes, key=lambda node: node.span)
    assert len({node.order for node in nodes}) == len(nodes)


def test_every_node_knows_its_way_to_the_module() -> None:
    facts = read_facts("a.py", EVERYTHING)
    for statement in facts.module.body:
        for node in walk(statement):
            assert facts.module.contains(node)
            assert scope_of(node).module is facts.scope


@pytest.mark.parametrize("path", SOURCES[::5], ids=lambda path: path.name)
def test_scopes_bind_what_pythons_own_symbol_table_binds(path: Path) -> None:
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        table = symtable.symtable(text, path.name, "exec")
        tree = ast.parse(text)
        facts = read_facts("a.py", text)
    except Exception:
        pytest.skip("a fixture of broken or newer code")
    ours = {(f.name, f.span.line): set(f.scope.bindings) for f in facts.functions}
    for function in functions_of(table):
        line = next(
            (line for name, line in ours if name == function.get_name() and line >= function.get_lineno()), None
        )
        bound = {s.get_name() for s in function.get_symbols() if s.is_local() and not s.get_name().startswith(".")}
        assert line is not None
        assert bound <= ours[function.get_name(), line] | comprehension_names(tree, function.get_name(), line)


_ANONYMOUS = ("lambda", "listcomp", "setcomp", "dictcomp", "genexpr")


def functions_of(table: symtable.SymbolTable) -> list[symtable.SymbolTable]:
    found = []
    for child in table.get_children():
        name = child.get_name()
        if child.get_type() == "function" and name.isidentifier() and name not in _ANONYMOUS:
            found.append(child)
        found += functions_of(child)
    return found


def comprehension_names(tree: ast.Module, name: str, line: int) -> set[str]:
    """The targets of a function's comprehensions: Python 3.12 inlines these and counts them among its own names."""
    targets = [
        comprehension.target
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.name, node.lineno) == (name, line)
        for comprehension in ast.walk(node)
        if isinstance(comprehension, ast.comprehension)
    ]
    return {leaf.id for target in targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name)} | {
        "__classdict__"
    }


def test_enclosing_function_ignores_lambdas_and_comprehensions_but_not_classes() -> None:
    facts = read_facts("a.py", "def f():\n    [lambda: one for _ in two]\n    class C:\n        three\n")
    function = facts.functions[0]
    assert isinstance(function, FunctionDef)
    assert enclosing_function(facts.names["one"][0]) is function
    assert enclosing_function(facts.names["two"][0]) is function
    assert enclosing_function(facts.names["three"][0]) is None
