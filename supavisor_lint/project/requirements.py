"""Which packages a project asks for, and in which versions, by its requirement and lock files. Texts in, data out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from supavisor_lint.sources import toml

Version: TypeAlias = tuple[int, ...]
Files: TypeAlias = Iterable[tuple[str, str]]

_REQUIREMENT = re.compile(r"\s*(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*\(?(?P<versions>[^;#@)]*)")
_CLAUSE = re.compile(r"(?P<operator>===?|<=?|~=|\^|~)\s*(?P<version>[0-9]{1,9}(?:\.[0-9]{1,9})*)(?P<star>\.\*)?")
_DEVELOPMENT = re.compile(r"dev|test|lint|docs?|ci\b", re.IGNORECASE)
_ASYNC_DRIVERS = frozenset({"asyncpg", "psycopg", "aiosqlite", "aiomysql", "asyncmy", "aioodbc", "oracledb"})
_NEVER = (10**6,)


@dataclass(frozen=True, slots=True)
class Limit:
    """The versions of a package that a file allows: those below `below` (exclusive); `shown` as the file spells them.

    An upper bound is all that is asked: without one, whoever installs the project gets the current version.
    """

    below: Version
    shown: str
    path: str


def parsed_version(text: str) -> Version:
    """The numbers of a version ("0.30.0rc1" gives 0, 30, 0)."""
    return tuple(int(number) for number in re.findall(r"[0-9]{1,9}", re.split(r"[a-z]", text, maxsplit=1)[0]))


def limit_of(package: str, folders: Iterable[Files]) -> Limit | None:
    """What the nearest folder with an answer says about a package's version; None where nothing limits it."""
    for files in folders:
        for path, text in files:
            versions = _versions(package, path, text)
            if versions is not None:
                below = upper_bound(versions)
                return (
                    Limit(below, f"{package} {versions.strip().removeprefix('==')}", path) if below != _NEVER else None
                )
    return None


def only_driver(folders: Iterable[Files]) -> str | None:
    """The one async database driver that the nearest project asks for (development groups left out), if it is one."""
    for files in folders:
        found = {
            name
            for path, text in files
            if not path.endswith(".lock") and not _DEVELOPMENT.search(path.rpartition("/")[2])
            for name, _, is_main in _requirements(path, text)
            if is_main and name in _ASYNC_DRIVERS
        }
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def upper_bound(versions: str) -> Version:
    """The lowest version that is too new for a specifier: `==0.30.0`, `>=0.29,<0.31`, `~=0.29.0`, `^0.29`."""
    bounds = [_NEVER, *(_bound_of(match) for match in _CLAUSE.finditer(versions))]
    return min(bounds)


def _bound_of(match: re.Match[str]) -> Version:
    version = parsed_version(match["version"])
    match match["operator"]:
        case "<":
            return version
        case "<=":
            return (*version, 1)
        case "^":
            first = next((i for i, number in enumerate(version) if number), len(version) - 1)
            return _next(version[: first + 1])
        case "~=":
            return _next(version[:-1]) if len(version) > 1 else _NEVER
        case "~":
            return _next(version[:2])
        case _:
            return _next(version) if match["star"] else (*version, 1)


def _next(version: Version) -> Version:
    return (*version[:-1], version[-1] + 1)


# ----------------------------------------------------------------------------------------------------------- the files


def _versions(package: str, path: str, text: str) -> str | None:
    """What one file says about a package's versions ("" for: any); None if it does not name the package."""
    if path.endswith("Pipfile.lock"):
        return _in_pipfile(package, text)
    if path.endswith(".lock"):
        pattern = rf'^name\s*=\s*"{re.escape(package)}"\s*\n\s*version\s*=\s*"([^"]+)"'
        found = re.search(pattern, text.replace("\r\n", "\n"), re.MULTILINE)
        return None if found is None else f"=={found[1]}"
    stated = [(versions, main) for name, versions, main in _requirements(path, text) if name == package]
    stated.sort(key=lambda one: not one[1])
    return next((versions for versions, _ in stated), None)


def _in_pipfile(package: str, text: str) -> str | None:
    try:
        locked = json.loads(text)
        version = locked["default"][package]["version"]
    except (ValueError, KeyError, TypeError):
        return None
    return version if isinstance(version, str) else None


def _requirements(path: str, text: str) -> Iterator[tuple[str, str, bool]]:
    """Name, specifier, and whether the package itself needs it, of each requirement in a file that people write."""
    if not path.endswith("pyproject.toml"):
        for line in text.splitlines():
            yield from _requirement(line, True)
        return
    try:
        document = toml.parse(text)
    except (ValueError, RecursionError):
        return
    project = _table(document, "project")
    poetry = _table(document, "tool", "poetry")
    yield from _listed(project.get("dependencies"), True)
    yield from _of_poetry(poetry.get("dependencies"), True)
    for groups in (project.get("optional-dependencies"), document.get("dependency-groups")):
        for group in groups.values() if isinstance(groups, dict) else ():
            yield from _listed(group, False)
    for group in _table(poetry, "group").values():
        yield from _of_poetry(group.get("dependencies") if isinstance(group, dict) else None, False)
    yield from _of_poetry(poetry.get("dev-dependencies"), False)


def _table(document: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    found: Any = document
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _listed(requirements: object, is_main: bool) -> Iterator[tuple[str, str, bool]]:
    for line in requirements if isinstance(requirements, list) else ():
        if isinstance(line, str):
            yield from _requirement(line, is_main)


def _requirement(line: str, is_main: bool) -> Iterator[tuple[str, str, bool]]:
    match = _REQUIREMENT.match(line)
    if match is not None:
        yield _normal(match["name"]), match["versions"].strip(), is_main


def _of_poetry(dependencies: object, is_main: bool) -> Iterator[tuple[str, str, bool]]:
    for name, stated in dependencies.items() if isinstance(dependencies, dict) else ():
        version = stated.get("version", "") if isinstance(stated, dict) else stated
        if isinstance(version, str):
            yield _normal(name), f"=={version}" if version[:1].isdigit() else version, is_main


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
