"""Options to settings: the project's own, changed by what the command line says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from supavisor_lint.cli.completion import complete_codes
from supavisor_lint.cli.errors import Failure
from supavisor_lint.cli.given_path import GivenPath
from supavisor_lint.cli.option_groups import option_group

if TYPE_CHECKING:
    from supavisor_lint.settings import Settings
    from supavisor_lint.sources.config import SettingsFile


@dataclass(frozen=True, slots=True)
class SettingsOptions:
    """What the command line says about the settings, before the root is known."""

    profile: str | None
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    extend_select: tuple[str, ...]
    config: Path | None
    isolated: bool

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> SettingsOptions:
        """Read the options of `settings_options`; a UsageError says what contradicts itself."""
        if given["isolated"] and given["config"] is not None:
            raise click.UsageError("--isolated and --config exclude each other.")
        names = ("profile", "select", "ignore", "extend_select", "config", "isolated")
        return cls(**{name: given[name] for name in names})

    @property
    def keys(self) -> frozenset[str]:
        """The keys of the settings that the command line decides."""
        given = {"profile": self.profile, "select": self.select, "ignore": self.ignore}
        keys = {key for key, value in given.items() if value}
        return frozenset(keys | ({"extend-select"} if self.extend_select or self.select else set()))

    def settings(self, root: Path) -> Settings:
        """Give the settings of the root, changed by what the command line says."""
        from supavisor_lint.sources.config import load_settings

        with settings_errors():
            return self.changed(load_settings(root, self.config, self.isolated))

    def file(self, root: Path) -> SettingsFile:
        """Give the settings of the root as they are, with what the file says where."""
        from supavisor_lint.sources.config import read_settings

        with settings_errors():
            return read_settings(root, self.config, self.isolated)

    def changed(self, settings: Settings) -> Settings:
        """Give some settings, changed by what the command line says; raises SettingsError."""
        changes: dict[str, Any] = {}
        if self.profile is not None:
            changes["profile"] = self.profile
        if self.select:
            changes |= {"select": _codes(self.select, "--select"), "extend_select": ()}
            if not changes["select"]:
                raise Failure("--select: names no code")
        if self.ignore:
            changes["ignore"] = _codes(self.ignore, "--ignore")
        if self.extend_select:
            more = _codes(self.extend_select, "--extend-select")
            changes["extend_select"] = more if self.select else (*settings.extend_select, *more)
        return replace(settings, **changes)


@contextmanager
def settings_errors() -> Iterator[None]:
    """Let settings that cannot be used end the command, with a line for each fault."""
    from supavisor_lint.sources.config import SettingsError

    try:
        yield
    except SettingsError as error:
        *others, last = error.lines
        for line in others:
            Failure(line).show()
        raise Failure(last) from error


def _codes(values: tuple[str, ...], option: str) -> tuple[str, ...]:
    from supavisor_lint.sources.config import parse_codes

    return tuple(dict.fromkeys(code for value in values for code in parse_codes(value, option)))


settings_options = option_group(
    click.option("--profile", type=click.Choice(["template", "hazards"]), help="Which rules apply."),
    click.option("--select", multiple=True, shell_complete=complete_codes, metavar="CODES", help="Report these only."),
    click.option(
        "--ignore", multiple=True, shell_complete=complete_codes, metavar="CODES", help="Do not report these."
    ),
    click.option(
        "--extend-select",
        multiple=True,
        shell_complete=complete_codes,
        metavar="CODES",
        help="Report these too.",
    ),
    click.option("--config", type=GivenPath(), help="Read the settings from this file."),
    click.option("--isolated", is_flag=True, help="Read no settings file."),
)
"""The options that change the settings, as one decorator of a command."""
