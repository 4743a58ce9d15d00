"""TOML on every supported Python; the parser is only imported when there is something to parse.

To write one value in one line takes a few lines; a package for that (tomli-w, tomlkit) would give an array several.
"""

from __future__ import annotations

import importlib
import re
import sys
from typing import Any

_ACTING = re.compile("[\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def parse(text: str) -> dict[str, Any]:
    """Parse TOML, with or without a BOM; raises ValueError."""
    # By name, because a type checker sees only the branch of its own Python and then misses the other's package.
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    parsed: dict[str, Any] = toml.loads(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    return parsed


def written(value: object) -> str:
    """Write a value in one line: a boolean, an integer, a string, or a list or table of such. Raises TypeError."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        import json  # it escapes what TOML wants escaped, but for DEL; what would act on a terminal is escaped too

        return _ACTING.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, dict):
        items = ", ".join(f"{_key(key)} = {written(item)}" for key, item in value.items())
        return f"{{{items}}}"
    raise TypeError(f"TOML has no {type(value).__name__} here")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else written(name)
