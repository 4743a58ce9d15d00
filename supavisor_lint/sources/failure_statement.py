"""The statement by which a setting says how a failure is recorded: `await mark_failed({session}, {job_id})`."""

from __future__ import annotations

import ast
import builtins
import string


def placeholders(statement: str) -> list[str]:
    """The names in braces, each once; raises ValueError, saying why, where they are something else than plain names."""
    try:
        fields = [(name, form, cut) for _, name, form, cut in string.Formatter().parse(statement) if name is not None]
    except ValueError as error:
        raise ValueError(f"{error}; braces of the code itself are written twice") from None
    odd = next((name for name, form, cut in fields if not name.isidentifier() or form or cut), None)
    if odd is not None:
        raise ValueError(f"`{{{odd}}}` is no name; braces of the code itself are written twice")
    return list(dict.fromkeys(name for name, _, _ in fields))


def is_code(text: str) -> bool:
    """Whether a text is one or more statements of a coroutine function."""
    try:
        _coroutine(text)
    except (SyntaxError, ValueError):
        return False
    return bool(text)


def names_read(text: str) -> list[str]:
    """The names that a text of statements reads and does not bind itself, each once; builtins are none."""
    names = [node for node in ast.walk(_coroutine(text)) if isinstance(node, ast.Name)]
    bound = {name.id for name in names if not isinstance(name.ctx, ast.Load)}
    read = dict.fromkeys(name.id for name in names)
    return [name for name in read if name not in bound and not hasattr(builtins, name)]


def _coroutine(text: str) -> ast.Module:
    return ast.parse("\n".join(["async def task():", *(f"    {line}" for line in text.splitlines())]))


def is_import(text: str) -> bool:
    """Whether a text is one or more imports, and nothing else."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return False
    return bool(body) and all(isinstance(statement, ast.Import | ast.ImportFrom) for statement in body)
