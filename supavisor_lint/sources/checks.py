"""One reader for each kind of value that a setting may have: it gives the final value, or refuses it.

A refusal is a `BadValue`, whose text says what is wrong and what to do; the caller knows file, line and key.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from supavisor_lint.settings import PerFileIgnore, Registrar

KNOWN_CODES = tuple(
    f"SUP{number}"
    for numbers in (
        range(101, 107),
        range(201, 207),
        range(301, 310),
        range(401, 409),
        (501, 502),
        (601,),
        (900, 901),
    )
    for number in numbers
)

_CODE = re.compile(r"SUP[0-9]{0,3}", re.ASCII)
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*((a|b|rc|\.dev|\.post)[0-9]+)?", re.ASCII)
_REGISTRAR_KEYS = ("name", "argument", "session")

T = TypeVar("T")
Reader = Callable[[object], T]

_KINDS = {
    bool: "a boolean",
    int: "an integer",
    float: "a float",
    str: "a string",
    list: "a list",
    dict: "a table",
}


class BadValue(ValueError):  # noqa: N818 - it names the value, not the error
    """A value that a setting cannot have."""


def nearest(word: str, words: Iterable[str], before: str = "") -> str:
    """`; did you mean "..."?` for the word that resembles `word`, shown with `before` before it, or nothing."""
    found = resembling(word, words, 1)
    return did_you_mean(f"{before}{found[0]}") if found else ""


def did_you_mean(word: str) -> str:
    """The hint at a word, for the end of a message."""
    return f'; did you mean "{word}"?'


def resembling(word: str, words: Iterable[str], most: int) -> list[str]:
    """The words that resemble `word` in any case, the nearest first."""
    import difflib

    spelled = {candidate.lower(): candidate for candidate in words}
    return [spelled[found] for found in difflib.get_close_matches(word.lower(), spelled, n=most, cutoff=0.6)]


def likely_code(word: str, codes: Iterable[str]) -> str | None:
    """The code that is meant by one which no rule has: of the same family, by one slip of the fingers; the nearest.

    What differs in more has a meaning of its own, which no code is near to: numbers resemble each other by chance.
    """
    family = [code for code in codes if code[:4] == word[:4]]
    slips = [code for code in family if _one_slip(word[4:], code[4:])]
    return min(slips, key=lambda code: (abs(int(code[3:]) - int(word[3:])), code), default=None)


def _one_slip(typed: str, meant: str) -> bool:
    """Whether two numbers differ by a digit, by their order, or by one that is too many or missing."""
    if len(typed) == len(meant):
        return sorted(typed) == sorted(meant) or sum(map(str.__ne__, typed, meant)) == 1
    longer, shorter = sorted((typed, meant), key=len, reverse=True)
    return any(longer[:n] + longer[n + 1 :] == shorter for n in range(len(longer)))


def code(text: str) -> str:
    """A code or a prefix that some rule has."""
    if not _CODE.fullmatch(text):
        upper = f'; write "{text.upper()}"' if _CODE.fullmatch(text.upper()) else ""
        raise BadValue(f'"{text}" is not a code: codes are SUP and up to three digits{upper}')
    if not any(known.startswith(text) for known in KNOWN_CODES):
        meant = likely_code(text, KNOWN_CODES)
        raise BadValue(f'"{text}" is the code of no rule{did_you_mean(meant) if meant else ""}')
    return text


def boolean(value: object) -> bool:
    """`true` or `false`."""
    if not isinstance(value, bool):
        raise BadValue(f"must be true or false, not {_kind(value)}")
    return value


def text(value: object) -> str:
    """A string that is not empty."""
    if not isinstance(value, str):
        raise BadValue(f"must be a string, not {_kind(value)}")
    if not value.strip():
        raise BadValue("must not be empty; leave the key out instead")
    return value


def name(value: object) -> str:
    """A bare or dotted Python name."""
    word = text(value)
    if not all(part.isidentifier() for part in word.split(".")):
        raise BadValue(f'"{word}" is not a Python name; write it as "package.module.name" or "name"')
    return word


def dotted_name(value: object) -> str:
    """A name with its module."""
    word = name(value)
    if "." not in word:
        raise BadValue(f'"{word}" names no module; write it as "package.module.{word}"')
    return word


def failure_statement(value: object) -> str:
    """Statements with names in braces: `await mark_failed({session}, {job_id})`."""
    from supavisor_lint.sources.failure_statement import is_code, placeholders  # Python's parser, for this key only

    words = text(value)
    try:
        code = words.format(**{name: name for name in placeholders(words)})
    except ValueError as error:
        raise BadValue(f"has something else than names in its braces: {error}") from None
    if not is_code(code.strip()):
        raise BadValue(f"is no statement of Python: `{code.strip().splitlines()[0]}`")
    return words


def imports(value: object) -> str:
    """One or more import statements."""
    from supavisor_lint.sources.failure_statement import is_import

    words = text(value)
    if not is_import(words.strip()):
        raise BadValue('is no import; write it as "from package.module import name"')
    return words


def version(value: object) -> str:
    """A released version, such as "0.30.0"."""
    word = text(value)
    if not _VERSION.fullmatch(word):
        raise BadValue(f'"{word}" is not a version; write it as "0.30.0"')
    return word


def one_of(*choices: str) -> Reader[str]:
    """A reader for one of a few strings."""

    def read(value: object) -> str:
        word = text(value)
        if word not in choices:
            listed = ", ".join(f'"{choice}"' for choice in choices)
            raise BadValue(f'"{word}" is none of {listed}{nearest(word, choices)}')
        return word

    return read


def list_of(item: Reader[T]) -> Reader[tuple[T, ...]]:
    """A reader for a list whose items `item` reads; it gives a tuple."""

    def read_all(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise BadValue(f"must be a list, not {_kind(value)}")
        read = [_read_or_refusal(f"item {index}", item, part) for index, part in enumerate(value, start=1)]
        refusals = [str(part) for part in read if isinstance(part, BadValue)]
        if refusals:
            raise BadValue("; ".join(refusals))
        return tuple(part for part in read if not isinstance(part, BadValue))

    return read_all


def codes(value: object) -> tuple[str, ...]:
    """A list of codes and prefixes."""
    return list_of(lambda item: code(text(item)))(value)


def some_codes(value: object) -> tuple[str, ...]:
    """The same, but an empty list would switch everything off, without a word."""
    found = codes(value)
    if not found:
        raise BadValue("names no code; leave it out for the profile's rules")
    return found


def per_file_ignores(value: object) -> tuple[PerFileIgnore, ...]:
    """A table from gitignore-style patterns to lists of codes."""
    if not isinstance(value, dict):
        raise BadValue(f"must be a table, not {_kind(value)}")
    return tuple(
        PerFileIgnore(text(pattern), _read_part(f'at "{pattern}"', codes, listed)) for pattern, listed in value.items()
    )


def registrar(value: object) -> Registrar:
    """A dotted name, or a table with `name` and, where they are not the default, `argument` and `session`."""
    if isinstance(value, str):
        return Registrar(name(value))
    if not isinstance(value, dict):
        raise BadValue(f"must be a dotted name or a table {{name, argument, session}}, not {_kind(value)}")
    for key in value:
        if key not in _REGISTRAR_KEYS:
            raise BadValue(f'"{key}" is no key of a registrar{nearest(key, _REGISTRAR_KEYS)}')
    if "name" not in value:
        raise BadValue('the table has no "name"; add the dotted name of the function')
    session = value.get("session")
    return Registrar(
        name=name(value["name"]),
        argument=_parameter("argument", value.get("argument", 0)),
        session=None if session is None else _parameter("session", session),
    )


def folder_below(root: Path) -> Reader[str]:
    """A reader for a folder inside `root`; it gives the POSIX path from there, "." for the root itself."""
    top = Path(os.path.abspath(root))  # noqa: PTH100 - resolve() would follow links

    def read(value: object) -> str:
        word = text(value)
        folder = Path(os.path.abspath(top / word))  # noqa: PTH100 - as above
        if folder != top and top not in folder.parents:
            raise BadValue(f'"{word}" is outside the root; name a folder inside {top}')
        return folder.relative_to(top).as_posix()

    return read


def _parameter(key: str, value: object) -> int | str:
    """A position from 0, or the name of a keyword."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and value.isidentifier():
        return value
    raise BadValue(f'"{key}" must be a position from 0 or the name of a parameter, not {value!r}')


def _read_part(where: str, read: Reader[T], value: object) -> T:
    """Read a part of a value; a refusal says where in the value it is."""
    try:
        return read(value)
    except BadValue as error:
        raise BadValue(f"{where}: {error}") from None


def _read_or_refusal(where: str, read: Reader[T], value: object) -> T | BadValue:
    try:
        return _read_part(where, read, value)
    except BadValue as error:
        return error


def _kind(value: object) -> str:
    """What TOML calls the type of a value."""
    kinds = {
        bool: "a boolean",
        int: "an integer",
        float: "a float",
        str: "a string",
        list: "a list",
        dict: "a table",
    }
    return kinds.get(type(value), "a date or time")
