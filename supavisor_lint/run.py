"""Many files: discover them, link the project, analyse each, collect. All input and output of a check is here."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from supavisor_lint.baseline import Baseline, Scope
from supavisor_lint.engine import Analysis, Engine
from supavisor_lint.facts.file import FileFacts
from supavisor_lint.findings import Finding, Place
from supavisor_lint.project.broken import warnings_of_missing_names
from supavisor_lint.project.project import Project
from supavisor_lint.project.unmatched import unmatched_entries
from supavisor_lint.rewrites import look_at
from supavisor_lint.settings import Settings
from supavisor_lint.sources.discovery import SourceFile, discover, is_excluded
from supavisor_lint.sources.reading import UndecodableFile, UnreadableFile, decode, read_source, reads_as
from supavisor_lint.sources.requirement_files import requirement_files
from supavisor_lint.sources.watching import Watch, unwatched

_RECURSION_LIMIT = 8000
STDIN = "stdin"
"""The name, in reports, of a text from standard input that was given none."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a run has to say.

    `findings` are sorted; `files` counts the files asked for, `analysed` those that were parsed, `failed` those that
    could not be; `suppressed` are the findings under a noqa; `problems` are one-line complaints (missing path, I/O, an
    internal error); `sources` holds the text of every file with a finding of any kind that has one, by relative path;
    `warnings` are one-line remarks on what the findings may be missing; `excluded` are the paths asked for that the
    settings exclude; `given_up` gives the functions with too many paths to be followed; `tracebacks` are those of the
    internal errors; `baselined` are the findings that the baseline has, and `scope` is what the run can say of it.
    """

    findings: tuple[Finding, ...]
    files: int
    analysed: int
    failed: int
    suppressed: tuple[Finding, ...]
    problems: tuple[str, ...]
    sources: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    given_up: Callable[[], tuple[Place, ...]] = tuple
    tracebacks: tuple[str, ...] = ()
    baselined: tuple[Finding, ...] = ()
    scope: Scope = field(default_factory=Scope)


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be checked.

    `known` are the project's files (relative to absolute path), `asked` those to report on, `named` those that are
    to be parsed, or proven fine, even when nothing in them can matter; `overlay` replaces the bytes of some;
    `whole` when the whole project is asked for; `shown_as` renames files in reports; `watch` sees how far a run is;
    `baseline` are the findings that are known.
    """

    root: Path
    settings: Settings
    known: Mapping[str, str]
    asked: tuple[str, ...]
    named: frozenset[str] = frozenset()
    overlay: Mapping[str, bytes] = field(default_factory=dict)
    shown_as: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    whole: bool = False
    watch: Watch = unwatched
    baseline: Baseline = field(default_factory=Baseline)


def job_of_paths(paths: Sequence[Path], root: Path, settings: Settings) -> Job:
    """The files below some paths, with the knowledge of the whole project below `root`."""
    asked = discover(paths, root, settings)
    return Job(
        root,
        settings,
        known_files(paths, root, settings, asked.files),
        tuple(file.relative for file in asked.files),
        frozenset(asked.named),
        problems=tuple(asked.problems),
        excluded=tuple(asked.excluded),
        whole=_covers(paths, root) and bool(asked.files),
    )


def job_of_stdin(data: bytes, filename: Path | None, root: Path, settings: Settings) -> Job:
    """A text from standard input as if it stood at `filename`.

    Without one, it is a file of the current folder, called `stdin` in reports as flake8 calls it.
    """
    place = filename or Path(STDIN)
    if is_excluded(place, root, settings):
        return Job(root, settings, {}, (), excluded=(str(place),))
    relative = _relative(place, root)
    known = known_files([root], root, settings, ())
    shown_as = {} if filename else {relative: STDIN}
    return Job(root, settings, known, (relative,), frozenset({relative}), {relative: data}, shown_as)


def check_paths(paths: Sequence[Path], root: Path, settings: Settings) -> Result:
    """Check the files below some paths, with the knowledge of the whole project below `root`.

    A file that is named itself is parsed, or proven fine, even when nothing in it can matter.
    """
    return check_job(job_of_paths(paths, root, settings))


def check_job(job: Job) -> Result:
    """Check the files of a job."""
    if not job.asked:
        return Result((), 0, 0, 0, (), job.problems, {}, excluded=job.excluded)
    with room_for_trees():
        project = linked_project(job.known, job.settings, job.overlay, job.root, watch=job.watch)
        return collect(job, Engine(project, job.baseline))


class Checker:
    """Checks single files of one project; made once per process, it reads the project once."""

    def __init__(self, root: Path, settings: Settings) -> None:
        self._root = root
        self._settings = settings
        self._engine: Engine | None = None
        self._known: dict[str, str] = {}

    def check(self, path: Path, text: str) -> tuple[Finding, ...]:
        """The findings of one file, sorted, with unused suppressions and without regard to noqa comments."""
        with room_for_trees():
            relative = _relative(path, self._root)
            engine = self._engine_for(relative, text)
            return _unsuppressed(engine, relative, text)

    def _engine_for(self, relative: str, text: str) -> Engine:
        if self._engine is None:
            self._known = known_files([self._root], self._root, self._settings, ())
            self._engine = Engine(linked_project(self._known, self._settings, {}, self._root))
        if _is_on_the_disk(self._engine.project, relative, text):
            return self._engine
        overlay = {relative: text.encode("utf-8", "surrogatepass")}
        return Engine(linked_project(self._known, self._settings, overlay, self._root))


def _unsuppressed(engine: Engine, relative: str, text: str) -> tuple[Finding, ...]:
    analysis = engine.analyse_text(relative, text)
    return tuple(sorted((*analysis.findings, *analysis.suppressed), key=lambda finding: finding.sort_key))


def _text_of(project: Project, relative: str) -> str | None:
    try:
        return decode(project.bytes_of(relative))
    except (UnreadableFile, UndecodableFile):
        return None


def _is_on_the_disk(project: Project, relative: str, text: str) -> bool:
    try:
        return relative in project.paths and reads_as(project.bytes_of(relative), text)
    except UnreadableFile:
        return False


# ---------------------------------------------------------------------------------------------------------- the steps


def known_files(paths: Sequence[Path], root: Path, settings: Settings, asked: Sequence[SourceFile]) -> dict[str, str]:
    """Relative to absolute path of every file of the project, and of the files asked for."""
    files = asked if _covers(paths, root) and asked else (*discover([root], root, settings).files, *asked)
    return {file.relative: file.absolute for file in files}


def _covers(paths: Sequence[Path], root: Path) -> bool:
    return any(os.path.realpath(path) == os.path.realpath(root) for path in paths)


def linked_project(
    known: Mapping[str, str],
    settings: Settings,
    overlay: Mapping[str, bytes],
    root: Path | None = None,
    parsed: Mapping[str, FileFacts] | None = None,
    read: Callable[[str], bytes] | None = None,
    watch: Watch = unwatched,
    all_tasks: bool = False,
) -> Project:
    """The project of some files (`known_files`), read and linked; `overlay` replaces the bytes of some.

    Below `root` requirement files are looked for when a rule needs a version; without it there are none. `parsed` are
    facts of files that have not changed since; `read` gives a file's bytes (default: from the disk); `all_tasks` finds
    the background tasks as well that have nothing to do with sessions.
    """
    near = partial(requirement_files, root) if root is not None else None
    project = Project(known, read or reader(known), settings, overlay, near, parsed, watch, all_tasks)
    project.link()
    return project


def analyse_all(project: Project) -> list[Finding]:
    """The findings of every candidate of a linked project, before suppression."""
    engine = Engine(project)
    return [finding for path in project.candidates for finding in engine.analyse(path)]


def reader(known: Mapping[str, str]) -> Callable[[str], bytes]:
    """Reads the files of a project from the disk, by their relative paths."""
    return lambda relative: read_source(known[relative])


def candidates_of(job: Job, project: Project) -> list[str]:
    """The files asked for that can have findings, in order; those that are named, and can matter, are parsed for it."""
    for path in sorted(job.named | project.speaking.intersection(job.asked)):
        project.look_at(path)
    parsed = {*project.candidates, *project.failures}
    return [path for path in job.asked if path in parsed]


def collect(job: Job, engine: Engine, known: Mapping[str, Analysis] | None = None) -> Result:
    """Analyse the files of a job that can matter, and put together what is to be said of them.

    `known` are the analyses, fixes included, of files that the same engine has been asked about already.
    """
    project = engine.project
    candidates = candidates_of(job, project)
    findings: list[Finding] = []
    suppressed: list[Finding] = []
    baselined: list[Finding] = []
    sources: dict[str, str] = {}
    for path in job.watch("checking", candidates):
        text = _text_of(project, path)
        analysis = (known or {}).get(path) or look_at(engine, path, text or "")
        suppressed += [renamed(finding, job.shown_as) for finding in analysis.suppressed]
        findings += [renamed(finding, job.shown_as) for finding in analysis.findings]
        baselined += [renamed(finding, job.shown_as) for finding in analysis.baselined]
        if text is not None and (analysis.findings or analysis.silenced):
            sources[job.shown_as.get(path, path)] = text
    failed = sum(1 for path in job.asked if path in project.failures)
    unmatched = [*unmatched_entries(project)]
    mistyped = (entry.line for entry in unmatched if entry.mistyped)
    return Result(
        tuple(sorted(findings, key=lambda finding: finding.sort_key)),
        len(job.asked),
        len(candidates) - failed,
        failed,
        tuple(sorted(suppressed, key=lambda finding: finding.sort_key)),
        (
            *job.problems,
            *mistyped,
            *(f"{job.shown_as.get(error.path, error.path)}: {error}" for error in project.errors),
        ),
        sources,
        (*warnings_of_missing_names(project), *(entry.line for entry in unmatched if not entry.mistyped)),
        job.excluded,
        engine.given_up,
        tuple(error.traceback for error in project.errors),
        tuple(sorted(baselined, key=lambda finding: finding.sort_key)),
        _scope(job, engine),
    )


def _scope(job: Job, engine: Engine) -> Scope:
    """What a run can say of a baseline; a file with an internal error was not read to the end."""
    project = engine.project
    failed = frozenset(job.asked).intersection({*project.failures, *(error.path for error in project.errors)})
    read = frozenset(job.asked) - failed
    return Scope(read, failed, engine.selection.codes, job.settings.profile, job.whole)


def renamed(finding: Finding, names: Mapping[str, str]) -> Finding:
    """A finding with the names that reports use for files."""
    if finding.path not in names:
        return finding
    related = tuple(replace(place, path=names.get(place.path, place.path)) for place in finding.related)
    return replace(finding, path=names[finding.path], related=related)


def _relative(path: Path, root: Path) -> str:
    """The name of a file in reports: relative to the root if it is below it, else absolute; POSIX."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - symbolic links are kept as they are named
    try:
        return absolute.relative_to(os.path.abspath(root)).as_posix()  # noqa: PTH100
    except ValueError:
        return absolute.as_posix()


@contextmanager
def room_for_trees() -> Iterator[None]:
    """Let trees grow large and deep for a while.

    They live until the end: collecting garbage while they grow costs a third of the time. And questions about an
    expression recurse some ten calls for each of its levels, of which there may be `nesting.MAX_LEVELS`.
    """
    collects = gc.isenabled()
    limit = sys.getrecursionlimit()
    gc.disable()
    sys.setrecursionlimit(max(limit, _RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
        if collects:
            gc.freeze()  # into the oldest generation with all of it: else the next collection would look at each object
            gc.unfreeze()
            gc.enable()
