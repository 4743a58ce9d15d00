"""Entries of the settings that name nothing in the project: a renamed module, a typing error."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from supavisor_lint.project.project import Project
from supavisor_lint.settings import Settings
from supavisor_lint.sources.checks import did_you_mean, nearest, resembling
from supavisor_lint.sources.reading import UnreadableFile

_LIKELY = 3
"""So many modules are looked into for the name that may be meant."""
_STARRED = re.compile(rb"\bimport[ \t]*\*|\b__getattr__\b")


class Unmatched(NamedTuple):
    """An entry that matches nothing, as one line.

    It is `mistyped` where the project has something of its own that is called almost so: what the team has said does
    not reach the check then, whose findings are not to be relied on. The rest may be left over, or be told too early.
    """

    line: str
    mistyped: bool


def unmatched_entries(project: Project) -> Iterator[Unmatched]:
    """Each entry that is dotted or a path and matches nothing.

    Bare names are left alone: they count for what is defined outside the project. Judged by modules and bytes, so that
    what a module gets by a star import, and what some file imports from another package or a module that is left out,
    is believed. A session module is a file of the project, so that a bare name which resembles one is taken for a
    typing error. A project without files says nothing.
    """
    if not project.paths:
        return
    names = _Names(project)
    settings = project.settings
    for entry in settings.session_modules:
        is_path = "/" in entry or entry.endswith(".py")
        hint = nearest(entry, project.paths) if is_path else names.module_like(entry)
        if entry not in (project.paths if is_path else names.modules) and (is_path or "." in entry or hint):
            own = is_path or "." not in entry or names.are_the_projects(entry)
            yield _unmatched("session-modules", entry, hint, own)
    for key, entry in _names_in(settings, names):
        if "." in entry and not names.knows(entry):
            yield _unmatched(key, entry, names.name_like(entry), names.are_the_projects(entry))
    folders = {str(parent) for path in project.paths for parent in PurePosixPath(path).parents}
    for entry in settings.src or ():
        if entry not in folders:
            yield _unmatched("src", entry, nearest(entry, folders), own=True)


def _names_in(settings: Settings, names: _Names) -> Iterator[tuple[str, str]]:
    listed: dict[str, Iterable[str]] = {
        "session-factories": settings.session_factories,
        "session-helpers": settings.session_helpers,
        "helper": (settings.helper,) if settings.helper is not None else (),
        "phase-helpers": settings.phase_helpers,
        "task-registrars": (registrar.name for registrar in settings.task_registrars),
        "template.failure-import": filter(names.are_the_projects, _imported(settings.template.failure_import or "")),
    }
    return ((key, entry) for key, entries in listed.items() for entry in entries)


def _imported(text: str) -> Iterator[str]:
    """The dotted names that some import statements import; where they are none, a rewrite that needs them says so."""
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError):
        return
    for statement in statements:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
            yield from (f"{statement.module}.{alias.name}" for alias in statement.names if alias.name != "*")


def _unmatched(key: str, entry: str, hint: str, own: bool) -> Unmatched:
    line = f'"{key}" in the settings: "{entry}" matches nothing in the project{hint}'
    return Unmatched(line, mistyped=own and bool(hint))


class _Names:
    """Which dotted names the project may know."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.modules: dict[str, list[str]] = {}
        for path in project.paths:
            for name in project.dotted_names(path):
                self.modules.setdefault(name, []).append(path)
        self._tops = {name.partition(".")[0] for name in self.modules}

    def knows(self, entry: str) -> bool:
        """Whether a module of the project seems to define the name, or some file to import it from elsewhere."""
        parts = entry.split(".")
        if parts[0] not in self._tops:
            return self._is_anywhere(parts[0], parts[-1])
        if entry in self.modules:
            return True
        if any(self._has(path, parts[n:]) for n in range(1, len(parts)) for path in self._paths(parts[:n])):
            return True
        return self._may_be_left_out(parts)

    def are_the_projects(self, entry: str) -> bool:
        """Whether a dotted name begins as the project's own do."""
        return entry.partition(".")[0] in self._tops

    def _may_be_left_out(self, parts: list[str]) -> bool:
        """Whether a name may be that of an excluded or generated module, which some file imports."""
        known = max((n for n in range(1, len(parts)) if self._paths(parts[:n])), default=0)
        if not all(path.endswith("__init__.py") for path in self._paths(parts[:known])):
            return False
        return len(parts) - known > 1 and self._is_anywhere(*parts[max(known, 1) :])

    def module_like(self, entry: str) -> str:
        """The hint at a module that may be meant."""
        likely = self._likely_modules(entry)
        return did_you_mean(likely[0]) if likely else ""

    def name_like(self, entry: str) -> str:
        """The hint at a name of a module, be it that the one, the other or both are spelled almost so."""
        module, _, name = entry.rpartition(".")
        for likely in [module] if module in self.modules else self._likely_modules(module):
            hint = nearest(name, self._defined(likely), f"{likely}.")
            if hint:
                return hint
        return ""

    def _likely_modules(self, entry: str) -> list[str]:
        """The modules whose last part resembles that of a dotted name: what is before it is shared with many a module.

        Those that resemble it as a whole come first.
        """
        from difflib import SequenceMatcher  # for mistakes only

        spelled = resembling(_last(entry), map(_last, self.modules), _LIKELY)
        likely = [module for module in self.modules if _last(module) in spelled]
        return sorted(likely, key=lambda module: (-SequenceMatcher(None, entry, module).ratio(), module))[:_LIKELY]

    def _defined(self, module: str) -> Iterator[str]:
        for file in map(self._project.peek, self.modules[module]):
            yield from file.scope.bindings if file is not None else ()

    def _paths(self, module: list[str]) -> list[str]:
        return self.modules.get(".".join(module), [])

    def _has(self, path: str, names: list[str]) -> bool:
        data = self._bytes_of(path)
        if all(_word(name, data) for name in names):
            return True
        return _STARRED.search(data) is not None and all(self._is_anywhere(name) for name in names)

    def _is_anywhere(self, *names: str) -> bool:
        texts = map(self._bytes_of, self._project.paths)
        return any(all(_word(name, data) for name in names) for data in texts)

    def _bytes_of(self, path: str) -> bytes:
        try:
            return self._project.bytes_of(path)
        except UnreadableFile:
            return b""


def _last(dotted: str) -> str:
    return dotted.rpartition(".")[2]


def _word(name: str, data: bytes) -> bool:
    return re.search(rb"\b%s\b" % re.escape(name.encode()), data) is not None
