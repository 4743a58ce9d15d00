"""Options to settings: the project's own, changed by what the command line says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from supavisor_lint.cli.errors import Failure

if TYPE_CHECKING:
    from supavisor_lint.settings import Settings


def settings_of(
    root: Path,
    config: Path | None,
    isolated: bool,
    profile: str | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    extend_select: tuple[str, ...],
) -> Settings:
    """Give the settings of the root, changed by what the command line says."""
    from supavisor_lint.sources.config import SettingsError, load_settings, parse_codes

    def codes(values: tuple[str, ...], option: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(code for value in values for code in parse_codes(value, option)))

    changes: dict[str, Any] = {}
    try:
        settings = load_settings(root, config, isolated)
        if profile is not None:
            changes["profile"] = profile
        if select:
            changes |= {"select": codes(select, "--select"), "extend_select": ()}
            if not changes["select"]:
                raise Failure("--select: names no code")
        if ignore:
            changes["ignore"] = codes(ignore, "--ignore")
        if extend_select:
            more = codes(extend_select, "--extend-select")
            changes["extend_select"] = more if select else (*settings.extend_select, *more)
    except SettingsError as error:
        *others, last = error.lines
        for line in others:
            Failure(line).show()
        raise Failure(last) from error
    return replace(settings, **changes)
