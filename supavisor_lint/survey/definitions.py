"""A linked project read for what it defines: factories, helpers, session modules, tasks, registrars, import roots."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from supavisor_lint.engine import Engine
from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.findings import Place
from supavisor_lint.project.broken import warnings_of_missing_names
from supavisor_lint.project.requirements import limit_of
from supavisor_lint.project.session_names import Named
from supavisor_lint.project.tasks import Task
from supavisor_lint.project.unmatched import unmatched_entries
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.helpers import Helper, fault_of, helper_for, project_helpers
from supavisor_lint.sources.discovery import is_test_file
from supavisor_lint.sources.reading import UnreadableFile
from supavisor_lint.survey.import_names import ImportNames
from supavisor_lint.survey.model import BackgroundTask, Definition, Role, Survey

_ROLES: dict[str, Role] = {
    "factory": "factory",
    "builder": "factory",
    "helper": "helper",
    "getter": "getter",
    "dependency": "dependency",
}
_ENDS = {"commit": "commits", "close": "does not commit", "unknown": "may or may not commit"}


class Surveyor:
    """Answers for one project. Tests are left out, unless the settings hold them to the whole profile."""

    def __init__(self, engine: Engine) -> None:
        self.project = engine.project
        self.settings = engine.project.settings
        self._engine = engine

    def survey(self) -> Survey:
        """All of it as plain data."""
        definitions = [*self._once(self._session_definitions()), *self._session_modules(), *self._registrars()]
        return Survey(
            tuple(sorted(definitions)),
            tuple(sorted(self._plain(task) for task in self.tasks)),
            self.import_names.roots,
            tuple(self._chosen_helper(definitions)),
            tuple(dict.fromkeys(self._asyncpg())),
            len(self.project.paths),
            (
                *warnings_of_missing_names(self.project),
                *(entry.line for entry in unmatched_entries(self.project)),
            ),
        )

    @cached_property
    def files(self) -> list[FileFacts]:
        """The files that were parsed, tests left out."""
        read = (self.project.facts(path) for path in self.project.parsed_paths)
        with_tests = self.settings.check_tests
        return [file for file in read if file is not None and (with_tests or not is_test_file(file.path))]

    def files_with(self, pattern: re.Pattern[bytes]) -> Iterator[FileFacts]:
        """The files whose bytes hold something, tests left out, whether they were parsed or not."""
        for path in self.project.paths:
            if (self.settings.check_tests or not is_test_file(path)) and pattern.search(self._bytes_of(path)):
                file = self.project.peek(path)
                if file is not None:
                    yield file

    def _bytes_of(self, path: str) -> bytes:
        try:
            return self.project.bytes_of(path)
        except UnreadableFile:
            return b""

    @cached_property
    def import_names(self) -> ImportNames:
        """What modules are called."""
        return ImportNames(self.project)

    @cached_property
    def context(self) -> Context | None:
        """A place from which rewrites look for helpers; None where nothing was parsed."""
        return Context(self._engine.view(self.files[0]), "") if self.files else None

    @cached_property
    def helpers(self) -> list[Helper]:
        """The helpers that can be called without arguments."""
        return list(project_helpers(self.context)) if self.context is not None else []

    @cached_property
    def helper(self) -> Helper | str | None:
        """The helper that rewrites import; the reason where nothing decides; None where there are no sessions."""
        try:
            return helper_for(self.context, None) if self.context is not None else None
        except NoFix as none:
            return none.reason

    @cached_property
    def tasks(self) -> list[Task]:
        """The background tasks."""
        known = set(map(id, self.files))
        return [task for task in self.project.table.tasks.values() if id(task.function.file) in known]

    def dotted(self, helper: Helper) -> str:
        """The name by which a helper is imported."""
        return f"{self.import_names.of(helper.file.path)}.{helper.name}" if helper.file is not None else helper.name

    def place(self, file: FileFacts, node: Node) -> Place:
        """Where a node stands."""
        return Place(file.path, node.span.line, node.span.column, "")

    # -------------------------------------------------------------------------------------------------- its parts

    def _once(self, definitions: Iterable[Definition]) -> Iterator[Definition]:
        """The first definition of each name: `factory: Maker | None = None` stands above the rest."""
        seen: set[tuple[str, str]] = set()
        for one in sorted(definitions):
            if (one.path, one.name) not in seen:
                seen.add((one.path, one.name))
                yield one

    def _session_definitions(self) -> Iterator[Definition]:
        remarks = {helper.node: self._remark(helper) for helper in self.helpers}
        for file in self.files:
            for named in self.project.names.named_in(file):
                role = _ROLES.get(named.role)
                if role is not None and not named.imported and not _is_entered(named):
                    name = f"{named.owner.qualname}.{named.name}" if named.owner is not None else named.name
                    remark = remarks.get(named.node, "") if role == "helper" else ""  # type: ignore[call-overload]
                    yield self._definition(file, named.node, name, role, remark)

    def _chosen_helper(self, definitions: list[Definition]) -> Iterator[Definition | str]:
        if isinstance(self.helper, str):
            yield self.helper.partition(": name")[0]
        elif self.helper is not None:
            dotted = self.dotted(self.helper)
            yield next((one for one in definitions if one.role == "helper" and one.dotted == dotted), dotted)

    def _remark(self, helper: Helper) -> str:
        """What a helper does when its block ends, and what else is the matter with it."""
        context = self.context
        assert context is not None
        ends = _ENDS[context.view.follower.openings.exit(helper.session)]
        fault = fault_of(context, helper)
        return ends if fault is None or "commit" in fault else f"{ends}, but {fault}"

    def _session_modules(self) -> Iterator[Definition]:
        for file in self.files:
            view = self._engine.view(file)
            if view.is_session_module:
                yield Definition(file.path, 1, 1, self.import_names.of(file.path), "", "module")

    def _registrars(self) -> Iterator[Definition]:
        homes = {function: file for file in self.files for function in file.functions}
        for function, rule in self.project.table.own.found:
            if function in homes:
                yield self._definition(homes[function], function, function.qualname, "registrar", rule.how)

    def _definition(self, file: FileFacts, node: Node, name: str, role: Role, remark: str) -> Definition:
        module = self.import_names.of(file.path)
        return Definition(file.path, node.span.line, node.span.column, module, name, role, remark)

    def _plain(self, task: Task) -> BackgroundTask:
        how = tuple(dict.fromkeys(registration.how for registration in task.registrations))
        if not how:
            how = ("marked",) if task.marked else ("by name",)
        node = task.node
        return BackgroundTask(task.function.file.path, node.span.line, node.span.column, node.qualname, how)

    def _asyncpg(self) -> Iterator[str]:
        for file in self.files:
            if self.project.engines.of(file):
                limit = limit_of("asyncpg", self.project.requirements(file.path))
                if limit is not None:
                    yield f"{limit.shown} ({limit.path})"


def _is_entered(named: Named) -> bool:
    """Whether it is `__aenter__` or the like: a part of a helper."""
    return isinstance(named.node, FunctionDef) and named.name.startswith("__")
