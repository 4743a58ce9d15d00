"""Files that are deep or large: those that must be refused, and those that must be understood."""

from __future__ import annotations

from collections.abc import Iterator

TRIGGER = b"async def t():\n    s = async_session_factory()\n"
_MANY = 5000


def _file(code: str) -> bytes:
    return TRIGGER + code.encode() + b"\n"


def _chains(n: int) -> dict[str, str]:
    """Expressions with n levels; each level is an operator, a keyword or a pair of brackets on the same place."""
    return {
        "unary": "x = " + "-" * n + "1",
        "nots": "x = " + "not " * n + "y",
        "attributes": "x = a" + ".b" * n,
        "method_calls": "x = a" + ".b()" * n,
        "calls": "x = a" + "()" * n,
        "subscripts": "x = a" + "[0]" * n,
        "sum": "x = a" + " + b" * n,
        "lines_of_a_sum": "x = (\n    a" + "\n    + b" * n + "\n)",
        "powers": "x = a" + "**b" * n,
        "ands": "x = a" + " and b" * n,
        "comparisons": "x = a" + " < b" * n,
        "lambdas": "x = " + "lambda: " * n + "1",
        "conditions": "x = " + "1 if a else " * n + "1",
        "alternatives": "match a:\n    case 1" + " | 1" * n + ": pass",
        "backslashes": "x = a" + " + \\\n b" * n,
        "dotted_import": "import a" + ".b" * n,
        "comprehension": "x = [i " + "for i in a " * n + "]",
        "elifs": "if a:\n    pass\n" + "elif b:\n    pass\n" * n,
    }


def _brackets(n: int) -> dict[str, str]:
    """Expressions with n levels of brackets."""
    return {
        "parentheses": "x = " + "(" * n + "1" + ")" * n,
        "lists": "x = " + "[" * n + "1" + "]" * n,
        "dicts": "x = " + "{1: " * n + "1" + "}" * n,
        "arguments": "x = " + "f(" * n + "1" + ")" * n,
        "indexes": "x = " + "a[" * n + "1" + "]" * n,
        "annotation": "x: " + "a[" * n + "b" + "]" * n,
        "walruses": "x = " + "(y := " * n + "1" + ")" * n,
        "never_closed": "x = " + "(" * n,
    }


def _blocks(n: int) -> dict[str, str]:
    """Statements in n levels of indentation."""
    heads = {"ifs": "if a:", "functions": "def f():", "withs": "with a:", "classes": "class A:", "loops": "while a:"}
    return {
        name: "".join(f"{' ' * level}{head}\n" for level in range(n)) + " " * n + "pass" for name, head in heads.items()
    }


def _wide(n: int) -> Iterator[tuple[str, str]]:
    yield "numbers", "x = [" + "1, " * n + "]"
    yield "rows", "x = [\n" + "    ('a', -1, b.c()),\n" * n + "]"
    yield "statements", "x = 1; " * n
    yield "decorators", "@a\n" * n + "def f(): pass"
    yield "targets", "x = " * n + "1"
    yield "fields", "x = f'" + "{a}" * n + "'"
    yield "defaults", "def f(" + ", ".join(f"a{i}=1" for i in range(n)) + "): pass"


DEEP = {
    **{name: _file(code) for name, code in {**_chains(_MANY), **_brackets(_MANY)}.items()},
    "pattern": _file("match a:\n    case " + "[" * 90 + "1" + "]" * 90 + ": pass"),
}
"""Refused: deeper than Python itself allows, or than anybody writes."""

UNDERSTOOD = {
    **{
        f"some_{name}": _file(code)
        for name, code in {**_chains(100), **_brackets(100)}.items()
        if name != "never_closed"
    },
    **{f"nested_{name}": _file(code) for name, code in _blocks(90).items()},
    **{f"many_{name}": _file(code) for name, code in _wide(_MANY)},
    "long_string": _file("x = (" + "'a'\n" * 1500 + ")"),
}
"""Large, or deep within reason: checked like any other file."""
