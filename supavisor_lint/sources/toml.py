"""TOML on every supported Python; the parser is only imported when there is something to parse."""

from __future__ import annotations

import importlib
import sys
from typing import Any


def parse(text: str) -> dict[str, Any]:
    """Parse TOML; raises ValueError."""
    # By name, because a type checker sees only the branch of its own Python and then misses the other's package.
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    parsed: dict[str, Any] = toml.loads(text.replace("\r\n", "\n"))
    return parsed
