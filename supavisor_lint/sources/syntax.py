"""What the running Python says of a text: a cheap first look, and where an error is."""

from __future__ import annotations

import ast
import warnings

from supavisor_lint.sources.nesting import too_deep_at
from supavisor_lint.sources.reading import UndecodableFile, decode


def surely_parses(data: bytes) -> bool:
    """Whether the running Python accepts the syntax of some bytes, at a quarter of what LibCST's parse costs.

    False decides nothing: LibCST reads syntax that is newer than the running Python.
    """
    try:
        text = decode(data)
    except UndecodableFile:
        return False
    if too_deep_at(text) is not None:  # some versions of Python end the process on what is far too deep
        return False
    return refusal(text) is None


def refusal(text: str) -> Exception | None:
    """The error with which the running Python refuses the syntax of a text, which is not nested too deeply; or None."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about escapes in strings
        try:
            compile(text, "<file>", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
        except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError) as error:
            return error
    return None
