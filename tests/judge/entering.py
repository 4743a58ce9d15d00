"""Lets a program say which handlers and helpers a run has entered."""

from __future__ import annotations

import ast
from functools import wraps
from typing import Any

from .recorder import NOW, PROGRAM

_NOTE = "__handler_entered"


def brought_to_life(text: str) -> dict[str, Any]:
    """What a program defines; its helpers note their names, its handlers their lines."""
    space: dict[str, Any] = {"__name__": "judged.program", _NOTE: lambda line: NOW.recorder.entered.add(line)}
    tree = ast.fix_missing_locations(_Noting().visit(ast.parse(text)))
    exec(compile(tree, PROGRAM, "exec", dont_inherit=True), space)
    space.update({name: _noted(value) for name, value in space.items() if name.startswith("helper_")})
    return space


class _Noting(ast.NodeTransformer):
    """Has every handler note its line first; all lines stay what they are."""

    def visit_ExceptHandler(self, handler: ast.ExceptHandler) -> ast.ExceptHandler:
        """One handler, and those in it."""
        self.generic_visit(handler)
        note = ast.Call(ast.Name(_NOTE, ast.Load()), [ast.Constant(handler.lineno)], [])
        handler.body.insert(0, ast.copy_location(ast.Expr(note), handler.body[0]))
        return handler


def _noted(helper: Any) -> Any:
    @wraps(helper)
    def call(*args: Any, **keywords: Any) -> Any:
        NOW.recorder.entered.add(helper.__name__)
        return helper(*args, **keywords)

    return call
