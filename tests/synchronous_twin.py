"""Makes async code synchronous, token by token: the twin has the same shapes and none of the faults."""

from __future__ import annotations

import tokenize
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from fixture_support import Edit, read, tokens

_RENAMED = {
    "AsyncSession": "Session",
    "async_sessionmaker": "sessionmaker",
    "async_scoped_session": "scoped_session",
    "create_async_engine": "create_engine",
    "asynccontextmanager": "contextmanager",
    "AsyncExitStack": "ExitStack",
    "enter_async_context": "enter_context",
    "AsyncGenerator": "Generator",
    "AsyncIterator": "Iterator",
    "anext": "next",
    "aclose": "close",
    "__anext__": "__next__",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    # the settings' names: they mean a session helper and factory wherever nothing says otherwise
    "get_session": "get_db_sync",
    "async_session_factory": "sync_factory",
}
_MODULES = {
    ("sqlalchemy", ".", "ext", ".", "asyncio"): "sqlalchemy.orm",
    ("sqlmodel", ".", "ext", ".", "asyncio", ".", "session"): "sqlmodel",
}


def edits_of(path: Path) -> Iterator[Edit]:
    """The edits that make a file synchronous; none for a file that cannot be read into tokens."""
    try:
        found = tokens(read(path)[0])
    except (tokenize.TokenError, SyntaxError):
        return
    skip = 0
    for index, (token, following) in enumerate(pairwise(found)):
        if index < skip:
            continue
        line, start = token.start
        module = _module_at(found, index)
        if module:
            skip = index + len(module)
            yield line, start, found[skip - 1].end[1], _MODULES[module]
        elif token.type == tokenize.NAME and token.string in ("async", "await"):
            end = following.start[1] if following.start[0] == line else token.end[1]
            yield line, start, end, ""
        elif token.type == tokenize.NAME and token.string in _RENAMED:
            yield line, start, token.end[1], _RENAMED[token.string]


def _module_at(found: list[tokenize.TokenInfo], index: int) -> tuple[str, ...]:
    for module in _MODULES:
        if tuple(token.string for token in found[index : index + len(module)]) == module:
            return module
    return ()
