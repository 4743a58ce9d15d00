"""Small projects that are fixed: what becomes of their files, and why something is left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from textwrap import dedent

from project_support import write

from supavisor_lint.fixing import Fixed, fix
from supavisor_lint.run import job_of_paths
from supavisor_lint.settings import Settings


def fix_project(root: Path, files: dict[str, str], *, unsafe: bool = False, **settings: object) -> Fixed:
    """Fix some files (relative path to text, dedented) in memory; a failed guard fails the test."""
    write(root, files)
    job = job_of_paths([root], root, replace(Settings(), **settings))  # type: ignore[arg-type]
    fixed = fix(job, unsafe=unsafe)
    assert dict(fixed.failures) == {}
    return fixed


def rewritten(root: Path, files: dict[str, str], path: str, *, unsafe: bool = False, **settings: object) -> str:
    """What becomes of one file: its text as it was if nothing is rewritten."""
    fixed = fix_project(root, files, unsafe=unsafe, **settings)
    return next((c.after for c in fixed.changes if c.path == path), dedent(files[path]))


def left(root: Path, files: dict[str, str], *, unsafe: bool = False, **settings: object) -> list[str]:
    """What is not fixed, and why: `path:line CODE reason`."""
    found = fix_project(root, files, unsafe=unsafe, **settings).result.findings
    return [f"{f.path}:{f.span.line} {f.code} {f.no_fix_reason or ''}".rstrip() for f in found]
