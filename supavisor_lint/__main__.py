"""Where the program begins and ends: `supavisor-lint`, and the same as `python -m supavisor_lint`."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the program: arguments from the command line; leaves with the exit code 0, 1, 2 or 130."""
    try:
        from supavisor_lint.cli import main as command_line

        command_line()
    except SystemExit as end:
        _leave(end.code if isinstance(end.code, int) else 0)
    except KeyboardInterrupt:  # before there is a command that could say so
        print("supavisor-lint: interrupted", file=sys.stderr)
        _leave(130)


def _leave(code: int) -> NoReturn:
    """End the process without taking its trees apart, which would be a tenth of the time that a large project takes.

    Nothing is lost: reports and fixed files are written and closed by now, and what the streams hold is written here.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # none, a pipe that nobody reads, closed
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
