"""The project: files read on demand, linked facts, background tasks. The answer does not depend on reading order."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable, Mapping

from supavisor_lint.facts.file import FileFacts, UnparsableFile, read_facts
from supavisor_lint.findings import InternalError
from supavisor_lint.project.engines import Engines
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.modules import ModuleIndex
from supavisor_lint.project.requirements import Files
from supavisor_lint.project.session_names import SessionNames
from supavisor_lint.project.tasks import Task, TaskTable
from supavisor_lint.settings import Settings
from supavisor_lint.sources.discovery import is_test_file
from supavisor_lint.sources.prefilter import NameFilter, Prefilter
from supavisor_lint.sources.reading import UndecodableFile, UnreadableFile, decode
from supavisor_lint.sources.syntax import surely_parses
from supavisor_lint.sources.watching import Watch, unwatched

Failure = UnparsableFile | UndecodableFile | UnreadableFile

_CALLED = re.compile(rb"(\.\s*|\b)([^\W\d]\w*)\s*\(")


class Project:
    """All that is known of a project's files.

    `paths` are relative and POSIX; `read` gives a file's bytes (or raises UnreadableFile); `overlay` replaces
    the bytes of some files (stdin, an editor's buffer); `requirement_files` gives the requirement files near a path
    (see `sources.requirement_files`), and is only called when a rule needs a version; `parsed` are the facts of files
    that have not changed since another project has parsed them: they are not parsed again. `watch` is told of the
    files that linking reads. `all_tasks` finds the background tasks as well of which the bytes say that they have
    nothing to do with sessions.
    """

    def __init__(
        self,
        paths: Iterable[str],
        read: Callable[[str], bytes],
        settings: Settings,
        overlay: Mapping[str, bytes] | None = None,
        requirement_files: Callable[[str], Iterable[Files]] | None = None,
        parsed: Mapping[str, FileFacts] | None = None,
        watch: Watch = unwatched,
        all_tasks: bool = False,
    ) -> None:
        self._all_tasks = all_tasks
        self._read = read
        self._watch = watch
        self._parsed = parsed or {}
        self._requirement_files = requirement_files
        self._requirements: dict[str, tuple[Files, ...]] = {}
        self._overlay = dict(overlay or {})
        self.settings = settings
        self.paths = tuple(sorted({*paths, *self._overlay}))
        self._index = ModuleIndex(self.paths, settings.src)
        self._facts: dict[str, FileFacts | None] = {}
        self._peeked: dict[str, FileFacts | None] = {}
        self.failures: dict[str, Failure] = {}
        self._errors: dict[tuple[str, str], InternalError] = {}
        self.candidates: tuple[str, ...] = ()
        self.speaking: set[str] = set()  # files that speak of async sessions, and need not be parsed for that
        self._prefilter = Prefilter(settings)
        self._matters: dict[str, bool] = {}
        self._mentioning: dict[str, tuple[str, ...]] = {}
        self._calling: dict[tuple[bytes, bytes], list[str]] | None = None
        self._forget_answers()

    def _forget_answers(self) -> None:
        """Start linking afresh: more files are known now, and an answer may have been "unknown" for want of them."""
        self.evaluator = Evaluator(self, self.settings)
        self.table = TaskTable(self.evaluator, self.settings)
        self.names = SessionNames(self.evaluator)
        self._left_out: set[str] = set()  # the files that answers were given without
        self.engines = Engines(self.evaluator)

    # ------------------------------------------------------------------------------------------- files, on demand

    def bytes_of(self, path: str) -> bytes:
        """The bytes of a file; raises UnreadableFile."""
        data = self._overlay.get(path)
        return self._read(path) if data is None else data

    def facts(self, path: str) -> FileFacts | None:
        """The facts of a file, parsed at the first question; None (and an entry in `failures`) if that fails."""
        if path not in self._facts:
            self._facts[path] = self._parse(path) if path in self._index else None
        return self._facts[path]

    def facts_quietly(self, path: str) -> FileFacts | None:
        """The same for a file that only says what some setting is: a failure to read it is nothing to report."""
        known = path in self.failures
        facts = self.facts(path)
        if facts is None and not known:
            self.failures.pop(path, None)
        return facts

    def facts_defining(self, path: str, name: str) -> FileFacts | None:
        """The facts of the module that a name is imported from; None where its bytes say that it cannot matter."""
        if path in self._facts or self._all_tasks or self._can_matter(path, name):
            return self.facts(path)
        self._left_out.add(path)
        return None

    def peek(self, path: str) -> FileFacts | None:
        """The facts of a module that is read for its classes only.

        It does not count as read: what a name of it means to everybody else must not depend on who asks first.
        """
        if path in self._facts:
            return self._facts[path]
        if path not in self._peeked:
            try:
                self._peeked[path] = self._read_facts(path) if path in self._index else None
            except (UnparsableFile, UndecodableFile, UnreadableFile):
                self._peeked[path] = None
        return self._peeked[path]

    def _can_matter(self, path: str, name: str) -> bool:
        if path not in self._index:
            return False
        data = self._bytes_or_nothing(path)
        if path not in self._matters:
            self._matters[path] = self._prefilter.can_matter(data) or self._prefilter.is_seed(data)
        return self._matters[path] or not self._prefilter.defines(data, name)

    def _parse(self, path: str) -> FileFacts | None:
        try:
            return self._read_facts(path)
        except (UnparsableFile, UndecodableFile, UnreadableFile) as failure:
            self.failures[path] = failure
            return None

    def _read_facts(self, path: str) -> FileFacts:
        """The facts of a file; raises one of `Failure`, also where this tool itself fails to read it."""
        known = self._parsed.get(path)
        if known is not None and path not in self._overlay:
            return known
        text = decode(self.bytes_of(path))
        try:
            return read_facts(path, text)
        except UnparsableFile:
            raise
        except Exception as error:
            raise UnparsableFile(str(self.note(path, "reading it", error))) from error

    def note(self, path: str, doing: str, error: Exception) -> InternalError:
        """Remember a fault of this tool, met at a file while `doing` something; to be called where it is caught."""
        text = f"{type(error).__name__}: {error}".removesuffix(": ")
        noted = InternalError(path, doing, text, "".join(traceback.format_exception(error)))
        return self._errors.setdefault((path, doing), noted)

    @property
    def errors(self) -> tuple[InternalError, ...]:
        """The faults of this tool met so far, by path."""
        return tuple(self._errors[key] for key in sorted(self._errors))

    def look_at(self, path: str) -> None:
        """Enter a file that is no Python in `failures`, though nothing in it may matter."""
        if path not in self._facts and path not in self.failures and not surely_parses(self._bytes_or_nothing(path)):
            self.facts(path)

    def mentioning(self, word: str) -> tuple[str, ...]:
        """All files of the project whose bytes hold a word, those that need not be parsed as well."""
        if word not in self._mentioning:
            wanted = word.encode()
            found = (path for path in self.paths if path.endswith((".py", ".pyi")))
            self._mentioning[word] = tuple(path for path in found if wanted in self._bytes_or_nothing(path))
        return self._mentioning[word]

    def calling(self, name: str, *, of_object: bool = False) -> tuple[str, ...]:
        """All files of the project whose bytes hold a call of a name; those that were parsed by now come first.

        `of_object` asks for `x.name()` alone.
        """
        if self._calling is None:
            self._calling = {}
            for path in self.paths:
                if path.endswith((".py", ".pyi")):
                    called = {*_CALLED.findall(self._bytes_or_nothing(path))}
                    for key in {(dot[:1], word) for dot, word in called}:
                        self._calling.setdefault(key, []).append(path)
        found = {*self._calling.get((b".", name.encode()), ())}
        if not of_object:
            found.update(self._calling.get((b"", name.encode()), ()))
        return tuple(sorted(found, key=lambda path: (self._facts.get(path) is None, path)))

    def has(self, path: str) -> bool:
        """Whether a path is that of a file of the project; the folder of a namespace package is none."""
        return path in self._index

    def module(self, importer: str, module: str, level: int) -> str | None:
        """The path of an imported module, None if it is not of this project."""
        return self._index.resolve(importer, module, level)

    def submodule(self, package: str, name: str) -> str | None:
        """The path of a module inside a package."""
        return self._index.submodule(package, name)

    def dotted_names(self, path: str) -> Iterable[str]:
        """The names under which a file may be imported."""
        return self._index.dotted_names(path)

    # -------------------------------------------------------------------------------------------------- linking

    def link(self) -> None:
        """Read what matters, and what that points at, until nothing new turns up."""
        seeds, rest, sessions = self._scan()
        if not sessions and not self._all_tasks:
            self.candidates = tuple(sorted(set(self.failures) & set(self.paths)))
            return
        read = set(seeds)
        while True:
            self.table.rebuild(self._files(read), self._registrations_count)
            found = {task.function.file.path for task in self.table.tasks.values()}
            mentions = NameFilter(*self._mentionable(self._files(read | found)))
            found |= {path for path in rest - read if mentions.matches(self._bytes_or_nothing(path))}
            if found <= read:
                break
            read |= found
            if not self._left_out.isdisjoint({*read, *self._facts}):
                self._forget_answers()
            self.table = TaskTable(self.evaluator, self.settings)
        self.candidates = tuple(sorted(read))

    def _scan(self) -> tuple[set[str], set[str], bool]:
        seeds: set[str] = set()
        rest: set[str] = set()
        sessions = False
        for path in self.paths:
            data = self._bytes_or_nothing(path)
            if self._prefilter.is_seed(data):
                seeds.add(path)
                sessions = sessions or self._prefilter.speaks_of_sessions(data)
            else:
                rest.add(path)
                if self._prefilter.speaks_of_sessions(data):
                    self.speaking.add(path)
        return seeds, rest, sessions or bool(self.speaking)

    def _bytes_or_nothing(self, path: str) -> bytes:
        try:
            return self.bytes_of(path)
        except UnreadableFile as failure:
            self.failures[path] = failure
            return b""

    def _files(self, paths: Iterable[str]) -> list[FileFacts]:
        facts = (self.facts(path) for path in self._watch("reading", sorted(paths)))
        return [file for file in facts if file is not None]

    def _registrations_count(self, file: FileFacts) -> bool:
        return self.settings.check_tests or not is_test_file(file.path)

    def _mentionable(self, files: list[FileFacts]) -> tuple[frozenset[str], frozenset[str]]:
        loud, calm = self.names.of(files)
        return loud | self.table.own.names, calm | {n.rpartition(".")[2] for n in self.settings.session_helpers}

    # ------------------------------------------------------------------------------------------------ questions

    @property
    def parsed_paths(self) -> list[str]:
        """The files that were parsed so far, for whatever reason."""
        return sorted(path for path, facts in self._facts.items() if facts is not None)

    def requirements(self, path: str) -> tuple[Files, ...]:
        """The requirement files near a file, nearest folder first; read once for each folder."""
        folder = path.rpartition("/")[0]
        if folder not in self._requirements:
            found = self._requirement_files(path) if self._requirement_files is not None else ()
            self._requirements[folder] = tuple(found)
        return self._requirements[folder]

    def task_of(self, function: object) -> Task | None:
        """The background task that a function is, if it is one."""
        return self.table.tasks.get(function)  # type: ignore[call-overload,no-any-return]

    def tasks_in(self, path: str) -> list[Task]:
        """The background tasks that a file defines, in source order."""
        tasks = [t for t in self.table.tasks.values() if t.function.file.path == path]
        return sorted(tasks, key=lambda t: t.node.order)
