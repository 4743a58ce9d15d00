"""Which files need a look: patterns over raw bytes. They decide what is parsed, never what is reported."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable

from supavisor_lint.settings import Settings

# Without one of these in some file there is no session anywhere in the project, and nothing to report.
_SESSIONS = rb"async_sessionmaker|AsyncSession\b|async_scoped_session"

# Definitions of factories, and sessions made without one.
_DEFINITIONS = rb"async_sessionmaker|async_scoped_session|sessionmaker\s*\(|AsyncSession\s*\("

# Registrations of background tasks.
_REGISTRARS = (
    rb"\b(?:add_task|create_task|ensure_future|run_coroutine_threadsafe|add_job|scheduled_job|BackgroundTask"
    rb"|shared_task|repeat_every|dramatiq|celery|[Cc]elery|taskiq|procrastinate|arq)\b"
)
_TASK_MARK = rb"#\s*supavisor-lint:\s*task\b"
_SUPPRESSION = rb"noqa[^\n]*SUP"


class Prefilter:
    """The byte patterns of one run."""

    def __init__(self, settings: Settings) -> None:
        named = (*settings.session_factories, *settings.session_helpers, *settings.phase_helpers)
        self._factory_names = _last_parts(settings.session_factories)
        self._sessions = re.compile(b"|".join([_SESSIONS, *(rb"\b%s\b" % n for n in _last_parts(named))]))
        seeds = [_DEFINITIONS, _REGISTRARS, _TASK_MARK, _SUPPRESSION]
        seeds += [rb"\b%s\b" % name for name in self._factory_names]
        seeds += [rb"\b%s\b" % name for name in _last_parts(r.name for r in settings.task_registrars)]
        seeds += [rb"\bdef\s+%s\s*\(" % _name_pattern(pattern) for pattern in settings.task_names]
        self._seeds = re.compile(b"|".join(seeds))

    def speaks_of_sessions(self, data: bytes) -> bool:
        """Whether a file can have to do with async sessions at all."""
        return self._sessions.search(data) is not None

    def is_seed(self, data: bytes) -> bool:
        """Whether a file must be parsed whatever the others say."""
        return self._seeds.search(data) is not None


class NameFilter:
    """Finds the files that mention known names in a way that may deserve a finding.

    `anywhere`: names whose every mention counts (factories, registrars). `outside_with`: names of helpers and
    dependencies, whose mention in `async with name(…)`, `Depends(name)`, an import or a definition is right.
    """

    def __init__(self, anywhere: Iterable[str], outside_with: Iterable[str]) -> None:
        loud = [re.escape(name.encode()) for name in sorted(set(anywhere))]
        calm = [re.escape(name.encode()) for name in sorted(set(outside_with) - set(anywhere))]
        self._anywhere = re.compile(rb"\b(?:%s)\b" % b"|".join(loud)) if loud else None
        self._mention = re.compile(rb"\b(?:%s)\b" % b"|".join(calm)) if calm else None

    def matches(self, data: bytes) -> bool:
        """Whether the file must be parsed."""
        if self._anywhere is not None and self._anywhere.search(data):
            return True
        return self._mention is not None and self._is_mentioned_wrongly(data)

    def _is_mentioned_wrongly(self, data: bytes) -> bool:
        assert self._mention is not None
        imported: set[bytes] = set()
        used: set[bytes] = set()
        for match in self._mention.finditer(data):
            name = match.group()
            start = data.rfind(b"\n", 0, match.start()) + 1
            end = data.find(b"\n", match.end())
            before = data[start : match.start()]
            after = data[match.end() : len(data) if end < 0 else end]
            if _IMPORT.search(before) or _IN_IMPORT_LIST.fullmatch(before + b"|" + after.rstrip()):
                if after.lstrip().startswith(b"as "):
                    return True
                if not before[:1].isspace() or before.strip() == b"":
                    imported.add(name)
            elif _RIGHT_USE.search(before) and after.lstrip().startswith((b"(", b")", b",")):
                used.add(name)
            elif not _DEFINITION.search(before) and not before.lstrip().startswith(b"#"):
                return True
            elif _DEFINITION.search(before):
                imported.add(name)
        return bool(used - imported)


_IMPORT = re.compile(rb"\bimport\s")
_IN_IMPORT_LIST = re.compile(rb"\s*\|(?:,?\s*|\s+as\s.*)(?:#.*)?")
_RIGHT_USE = re.compile(rb"(?:\basync\s+with\s+|\bDepends\(\s*)$")
_DEFINITION = re.compile(rb"\bdef\s+$")


def _last_parts(names: Iterable[str]) -> list[bytes]:
    return sorted({re.escape(name.rpartition(".")[2]).encode() for name in names})


def _name_pattern(pattern: str) -> bytes:
    """A shell pattern as a pattern over a name's bytes."""
    translated = fnmatch.translate(pattern)
    inner = translated.removeprefix("(?s:").removesuffix(r")\Z").removesuffix(r")\z")
    return inner.replace(".*", r"\w*").replace("(?>", "(?:").encode()
