"""Which files need a look: patterns over raw bytes. They decide what is parsed, never what is reported."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from typing import TypeAlias

from supavisor_lint.settings import Settings

Signs: TypeAlias = dict[bytes, bytes]
"""Patterns, each under a text that it cannot match without: to look for that first is ten times faster."""


def _words(*words: bytes) -> Signs:
    return {word: rb"\b%s\b" % re.escape(word) for word in words}


# What makes an async engine.
_ENGINES = {**_words(b"create_async_engine", b"async_engine_from_config"), b"AsyncEngine(": rb"\bAsyncEngine\("}

# Without one of these in some file there is no session anywhere in the project, and nothing to report.
_SESSIONS = {
    b"async_sessionmaker": rb"async_sessionmaker",
    b"AsyncSession": rb"AsyncSession\b",
    b"async_scoped_session": rb"async_scoped_session",
    **_ENGINES,
}

# Definitions of factories, and sessions made without one.
_DEFINITIONS = {
    b"async_sessionmaker": rb"async_sessionmaker",
    b"async_scoped_session": rb"async_scoped_session",
    b"sessionmaker": rb"sessionmaker\s*\(",
    b"AsyncSession": rb"AsyncSession\s*\(",
}

# Registrations of background tasks.
_REGISTRARS = {b"asyncio.Task": rb"\basyncio\.Task\s*\("} | _words(
    b"add_task",
    b"create_task",
    b"ensure_future",
    b"run_coroutine_threadsafe",
    b"add_job",
    b"scheduled_job",
    b"BackgroundTask",
    b"shared_task",
    b"repeat_every",
    b"dramatiq",
    b"celery",
    b"Celery",
    b"taskiq",
    b"procrastinate",
    b"arq",
)
# Coroutines that run at the same time; of interest where sessions are spoken of, under whatever name.
_CONCURRENCY = {
    **_words(b"gather", b"TaskGroup", b"create_task_group", b"as_completed", b"open_nursery"),
    b"asyncio.wait(": rb"\basyncio\.wait\(",
}
_OF_SESSIONS = rb"[Ss]ession|\bdb\b"

_MARKS = {b"supavisor-lint:": rb"#\s*supavisor-lint:\s*task\b", b"SUP": rb"noqa[^\n]*SUP"}

# What begins or ends a transaction: the rules about transactions look at all code, tasks or not.
_TRANSACTIONS = {b".%s" % name: rb"\.%s\s*\(" % name for name in (b"begin", b"commit", b"rollback")}


# What a module must mention so that something imported from it can open, give, use or register a session.
_VOCABULARY = (
    rb"Async_?Session|async_session|[Ss]essionmaker|asynccontextmanager|__aenter__|__anext__|Depends\b"
    rb"|\.(?:execute|scalars?|stream|stream_scalars|commit|rollback|begin|begin_nested|flush|add_all|run_sync)\("
    rb"|[(,]\s*(?:\w*session|db)\s*[:,)=]"  # a parameter, whatever its methods are: `session.get` is no word of its own
)


class _Finder:
    """Looks for any of some signs."""

    def __init__(self, *signs: Signs) -> None:
        self._patterns = [(text, re.compile(pattern)) for some in signs for text, pattern in some.items()]

    def finds_any(self, data: bytes) -> bool:
        """Whether one of them is there."""
        return any(text in data and pattern.search(data) is not None for text, pattern in self._patterns)


class Prefilter:
    """The byte patterns of one run."""

    def __init__(self, settings: Settings) -> None:
        named = (*settings.session_factories, *settings.session_helpers, *settings.phase_helpers)
        self._sessions = _Finder(_SESSIONS, _words(*_last_parts(named)))
        exact = (*settings.session_factories, *(registrar.name for registrar in settings.task_registrars))
        seeds = (_words(*_last_parts(exact)), _DEFINITIONS, _ENGINES, _REGISTRARS, _MARKS, _TRANSACTIONS)
        self._seeds = _Finder(*seeds, *map(_definition, settings.task_names))
        self._concurrency = _Finder(_CONCURRENCY)
        self._of_sessions = re.compile(_OF_SESSIONS)
        self._vocabulary = re.compile(b"|".join([_VOCABULARY, *_words(*_last_parts(named)).values()]))

    def speaks_of_sessions(self, data: bytes) -> bool:
        """Whether a file can have to do with async sessions at all."""
        return self._sessions.finds_any(data)

    def can_matter(self, data: bytes) -> bool:
        """Whether what a module defines can have to do with sessions; else its definitions need not be read."""
        return self._vocabulary.search(data) is not None

    def defines(self, data: bytes, name: str) -> bool:
        """Whether a module seems to define a name itself (a `def`, a `class`, an assignment at its left edge)."""
        text = re.escape(name.encode())
        return (
            re.search(rb"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+%s\b|^%s[ \t]*[:=]" % (text, text), data, re.M)
            is not None
        )

    def is_seed(self, data: bytes) -> bool:
        """Whether a file must be parsed whatever the others say."""
        if self._seeds.finds_any(data):
            return True
        return self._concurrency.finds_any(data) and self._of_sessions.search(data) is not None


class NameFilter:
    """Finds the files that mention known names in a way that may deserve a finding.

    `anywhere`: names whose every mention counts (factories, registrars). `outside_with`: names of helpers and
    dependencies, whose call in `async with name(…)` is right, and whose mention without a call says nothing.
    """

    def __init__(self, anywhere: Iterable[str], outside_with: Iterable[str]) -> None:
        self._loud = [name.encode() for name in sorted(set(anywhere))]
        self._calm = [name.encode() for name in sorted(set(outside_with) - set(anywhere))]
        self._anywhere = _any_word(self._loud)
        self._mention = _any_word(self._calm)

    def matches(self, data: bytes) -> bool:
        """Whether the file must be parsed. (To look for a plain text is ten times faster than for a pattern.)"""
        if any(name in data for name in self._loud) and self._is_mentioned(data):
            return True
        return any(name in data for name in self._calm) and self._is_used_wrongly(data)

    def _is_mentioned(self, data: bytes) -> bool:
        return any(not _MODULE_PATH.search(_line_before(data, m.start())) for m in self._anywhere.finditer(data))

    def _is_used_wrongly(self, data: bytes) -> bool:
        """Whether a name is called or entered otherwise than `async with name(…)`, or is used without an import."""
        bound: set[bytes] = set()
        used: set[bytes] = set()
        for match in self._mention.finditer(data):
            before = _line_before(data, match.start())
            after = data[match.end() : match.end() + 40].lstrip(b" \t")
            if _MODULE_PATH.search(before):
                continue
            if after.startswith(b"as ") or (_ENTERED.search(before) and not after.startswith(b"(")):
                return True
            if after.startswith(b"(") and not _DEFINITION.search(before):
                if not _ENTERED_ASYNC.search(before):
                    return True
                used.add(match.group())
            elif _binds_for_the_module(before):
                bound.add(match.group())
        return bool(used - bound)


def _any_word(names: Iterable[bytes]) -> re.Pattern[bytes]:
    return re.compile(rb"\b(?:%s)\b" % b"|".join(map(re.escape, names)))


def _binds_for_the_module(before: bytes) -> bool:
    """Whether an import, a part of an import's list or a `def` stands at (about) the left edge."""
    if before.startswith((b" " * 5, b"\t\t")):
        return False
    return any(pattern.search(before) for pattern in (_IMPORT, _DEFINITION, _IN_IMPORT_LIST))


def _line_before(data: bytes, position: int) -> bytes:
    return data[data.rfind(b"\n", 0, position) + 1 : position]


_MODULE_PATH = re.compile(rb"^\s*(?:from|import)\s+[\w.]*$")
_IMPORT = re.compile(rb"\bimport\b")
_IN_IMPORT_LIST = re.compile(rb"^\s*(?:\w+,\s*)*$")
_DEFINITION = re.compile(rb"\bdef\s+$")
_ENTERED = re.compile(rb"\bwith\s+(?:[\w.]+\.)?$")
_ENTERED_ASYNC = re.compile(rb"\basync\s+with\s+(?:[\w.]+\.)?$")


def _last_parts(names: Iterable[str]) -> list[bytes]:
    return sorted({name.rpartition(".")[2].encode() for name in names})


def _definition(pattern: str) -> Signs:
    """The definition of a function whose name fits a shell pattern; the text is the longest that it asks for."""
    text = max(re.split(r"[*?]|\[.*", pattern), key=len)
    return {text.encode(): rb"\bdef\s+%s\s*\(" % _name_pattern(pattern)}


def _name_pattern(pattern: str) -> bytes:
    """A shell pattern as a pattern over a name's bytes, in whatever encoding."""
    translated = fnmatch.translate(pattern)
    inner = translated.removeprefix("(?s:").removesuffix(r")\Z").removesuffix(r")\z")
    return inner.replace(".*", r"[\w\x80-\xff]*").replace("(?>", "(?:").encode()
