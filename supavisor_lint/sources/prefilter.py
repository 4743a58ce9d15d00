"""Which files need a look: patterns over raw bytes. They decide what is parsed, never what is reported."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable

from supavisor_lint.settings import Settings

# What makes an async engine.
_ENGINES = rb"\bcreate_async_engine\b|\basync_engine_from_config\b|\bAsyncEngine\("

# Without one of these in some file there is no session anywhere in the project, and nothing to report.
_SESSIONS = rb"async_sessionmaker|AsyncSession\b|async_scoped_session|" + _ENGINES

# Definitions of factories, and sessions made without one.
_DEFINITIONS = rb"async_sessionmaker|async_scoped_session|sessionmaker\s*\(|AsyncSession\s*\("

# Registrations of background tasks.
_REGISTRARS = (
    rb"\b(?:add_task|create_task|ensure_future|run_coroutine_threadsafe|add_job|scheduled_job|BackgroundTask"
    rb"|shared_task|repeat_every|dramatiq|celery|[Cc]elery|taskiq|procrastinate|arq)\b"
)
# Coroutines that run at the same time; of interest where sessions are spoken of, under whatever name.
_CONCURRENCY = rb"\b(?:gather|TaskGroup|create_task_group|as_completed|open_nursery)\b|\basyncio\.wait\("
_OF_SESSIONS = rb"[Ss]ession|\bdb\b"

_TASK_MARK = rb"#\s*supavisor-lint:\s*task\b"
_SUPPRESSION = rb"noqa[^\n]*SUP"

# What begins or ends a transaction: the rules about transactions look at all code, tasks or not.
_TRANSACTIONS = rb"\.(?:begin|commit|rollback)\s*\("


# What a module must mention so that something imported from it can open, give, use or register a session.
_VOCABULARY = (
    rb"Async_?Session|async_session|[Ss]essionmaker|asynccontextmanager|__aenter__|__anext__|Depends\b"
    rb"|\.(?:execute|scalars?|stream|stream_scalars|commit|rollback|begin|begin_nested|flush|add_all|run_sync)\("
)


class Prefilter:
    """The byte patterns of one run."""

    def __init__(self, settings: Settings) -> None:
        named = (*settings.session_factories, *settings.session_helpers, *settings.phase_helpers)
        self._factory_names = _last_parts(settings.session_factories)
        self._sessions = re.compile(b"|".join([_SESSIONS, *(rb"\b%s\b" % n for n in _last_parts(named))]))
        seeds = [_DEFINITIONS, _ENGINES, _REGISTRARS, _TASK_MARK, _SUPPRESSION, _TRANSACTIONS]
        seeds += [rb"\b%s\b" % name for name in self._factory_names]
        seeds += [rb"\b%s\b" % name for name in _last_parts(r.name for r in settings.task_registrars)]
        seeds += [rb"\bdef\s+%s\s*\(" % _name_pattern(pattern) for pattern in settings.task_names]
        self._seeds = re.compile(b"|".join(seeds))
        self._concurrency = re.compile(_CONCURRENCY)
        self._of_sessions = re.compile(_OF_SESSIONS)
        self._vocabulary = re.compile(b"|".join([_VOCABULARY, *(rb"\b%s\b" % n for n in _last_parts(named))]))

    def speaks_of_sessions(self, data: bytes) -> bool:
        """Whether a file can have to do with async sessions at all."""
        return self._sessions.search(data) is not None

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
        if self._seeds.search(data) is not None:
            return True
        return self._concurrency.search(data) is not None and self._of_sessions.search(data) is not None


class NameFilter:
    """Finds the files that mention known names in a way that may deserve a finding.

    `anywhere`: names whose every mention counts (factories, registrars). `outside_with`: names of helpers and
    dependencies, whose call in `async with name(…)` is right, and whose mention without a call says nothing.
    """

    def __init__(self, anywhere: Iterable[str], outside_with: Iterable[str]) -> None:
        loud = [re.escape(name.encode()) for name in sorted(set(anywhere))]
        calm = [re.escape(name.encode()) for name in sorted(set(outside_with) - set(anywhere))]
        self._anywhere = re.compile(rb"\b(?:%s)\b" % b"|".join(loud)) if loud else None
        self._mention = re.compile(rb"\b(?:%s)\b" % b"|".join(calm)) if calm else None

    def matches(self, data: bytes) -> bool:
        """Whether the file must be parsed."""
        if self._anywhere is not None and self._is_mentioned(data):
            return True
        return self._mention is not None and self._is_used_wrongly(data)

    def _is_mentioned(self, data: bytes) -> bool:
        assert self._anywhere is not None
        return any(not _MODULE_PATH.search(_line_before(data, m.start())) for m in self._anywhere.finditer(data))

    def _is_used_wrongly(self, data: bytes) -> bool:
        """Whether a name is called or entered otherwise than `async with name(…)`, or is used without an import."""
        assert self._mention is not None
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
    return sorted({re.escape(name.rpartition(".")[2]).encode() for name in names})


def _name_pattern(pattern: str) -> bytes:
    """A shell pattern as a pattern over a name's bytes."""
    translated = fnmatch.translate(pattern)
    inner = translated.removeprefix("(?s:").removesuffix(r")\Z").removesuffix(r")\z")
    return inner.replace(".*", r"\w*").replace("(?>", "(?:").encode()
