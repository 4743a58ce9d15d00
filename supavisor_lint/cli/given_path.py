"""Paths on the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click


class GivenPath(click.Path):
    """A path that is not empty: `"$FILES"` without a value would be the whole current folder, rewritten by --fix."""

    def __init__(self, *, exists: bool = False, allow_dash: bool = False, readable: bool = True) -> None:
        super().__init__(exists=exists, allow_dash=allow_dash, readable=readable, path_type=Path)

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Give the path; an empty text is a usage error."""
        if value == "":
            self.fail("a path must not be empty", param, ctx)
        return super().convert(value, param, ctx)
