"""Options that belong together, added to a command as one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def option_group(*options: Callable[[Any], Any]) -> Callable[[Function], Function]:
    """Give a decorator that adds some of click's options to a command, which has them in this order in its help."""

    def add(command: Function) -> Function:
        for option in reversed(options):
            command = option(command)
        return command

    return add
