"""Fixes many tasks at once: all of them are modules of one project. What is not right in the text is said here."""

from __future__ import annotations

import io
import tempfile
import tokenize
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from supavisor_lint.fixing import fix
from supavisor_lint.run import job_of_paths
from supavisor_lint.settings import Settings

from .shop import MODULES


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A task before and after: `codes` are the rules that were fixed, `fault` is what is wrong in the text."""

    before: str
    after: str
    codes: tuple[str, ...]
    declined: tuple[tuple[str, str], ...]
    fault: str | None

    @property
    def changed(self) -> bool:
        """Whether anything was rewritten."""
        return self.before != self.after


def rewritten(texts: Sequence[str], unsafe: bool = False, again: bool = True) -> list[Rewritten]:
    """Fix some tasks; with `again`, what was rewritten is fixed again, and that must change nothing."""
    fixed = _fixed(texts, unsafe)
    changed = [one for one in fixed if one.changed and one.fault is None] if again else []
    second = dict(zip(changed, _fixed([one.after for one in changed], unsafe), strict=True))
    return [
        replace(one, after=second[one].after, fault="a second run changes something")
        if one in second and second[one].changed
        else one
        for one in fixed
    ]


def _fixed(texts: Sequence[str], unsafe: bool) -> list[Rewritten]:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        root = Path(folder)
        for name, text in MODULES.items():
            path = root / "shop" / ("__init__.py" if name == "shop" else f"{name[5:]}.py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        (root / "shop" / "tasks").mkdir()
        (root / "shop" / "tasks" / "__init__.py").write_text("")
        paths = [f"shop/tasks/task_{number}.py" for number in range(len(texts))]
        for path_, text in zip(paths, texts, strict=True):
            (root / path_).write_bytes(text.encode())
        done = fix(job_of_paths([root], root, Settings()), unsafe=unsafe)
    after = {change.path: change.after for change in done.changes}
    codes: dict[str, list[str]] = {path_: [] for path_ in paths}
    declined: dict[str, list[tuple[str, str]]] = {path_: [] for path_ in paths}
    for finding in done.fixed:
        codes[finding.path].append(finding.code)
    for finding in done.result.findings:
        if finding.path in declined:
            declined[finding.path].append((finding.code, finding.no_fix_reason or "has an unsafe fix"))
    return [
        Rewritten(
            text,
            after.get(path_, text),
            tuple(codes[path_]),
            tuple(declined[path_]),
            _failure(done.failures.get(path_)) or fault_of_text(text, after.get(path_, text)),
        )
        for path_, text in zip(paths, texts, strict=True)
    ]


def _failure(reason: str | None) -> str | None:
    return f"fix failed: {reason}" if reason is not None else None


def fault_of_text(before: str, after: str) -> str | None:
    """What is wrong in a rewritten text: it does not compile, a comment is lost, line ends or tabs are mixed up."""
    try:
        compile(after, "<after>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return f"does not compile: {error}"
    lost = Counter(_comments(before)) - Counter(_comments(after))
    if lost:
        return f"lost the comment {next(iter(lost))}"
    if "\r\n" in before and "\n" in after.replace("\r\n", ""):
        return "line ends are mixed"
    return None


def _comments(text: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text, newline="").readline)
    return [token.string.rstrip() for token in tokens if token.type == tokenize.COMMENT]
