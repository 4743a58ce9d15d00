"""Paths as links (OSC 8), in terminals that are known to show them and do not find paths by themselves."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

_PROGRAMS = frozenset({"iterm.app", "wezterm", "ghostty", "hyper", "tabby"})
"""Values of TERM_PROGRAM. Not VS Code, whose own detection of `path:line:column` goes to the line as well."""
_VTE = 5000
"""The first release of VTE (GNOME Terminal and others) with links."""


def linked(shown: str) -> str:
    """Give a path as a link to the file, if there is one."""
    place = Path(shown).absolute()
    if not place.exists():
        return shown
    address = place.as_uri().replace("file://", f"file://{socket.gethostname()}", 1)
    return f"\x1b]8;;{address}\x1b\\{shown}\x1b]8;;\x1b\\"


def stdout_shows_links() -> bool:
    """Say whether stdout is such a terminal; FORCE_HYPERLINK decides otherwise."""
    if not (forced := os.environ.get("FORCE_HYPERLINK", "")):
        return sys.stdout is not None and sys.stdout.isatty() and terminal_shows_links(os.environ)
    return forced.lower() not in {"0", "false", "no"}


def terminal_shows_links(env: Mapping[str, str]) -> bool:
    """Say whether the environment is that of a terminal that shows links."""
    if env.get("TERM") == "dumb" or env.get("CI") or env.get("NO_COLOR") or "TMUX" in env or "STY" in env:
        return False
    if env.get("TERM_PROGRAM", "").lower() in _PROGRAMS or "WT_SESSION" in env or "KITTY_WINDOW_ID" in env:
        return True
    version = env.get("VTE_VERSION", "")
    return version.isdigit() and int(version) >= _VTE
