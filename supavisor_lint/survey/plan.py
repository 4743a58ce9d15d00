"""From advice to the bytes of a pyproject.toml, and to the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from supavisor_lint.report.text import harmless
from supavisor_lint.sources.config import SettingsFile
from supavisor_lint.sources.roots import SETTINGS_FILE
from supavisor_lint.sources.settings_table import NewKey, UneditableTable, table_of, with_keys
from supavisor_lint.sources.toml import written
from supavisor_lint.sources.writing import UnwritableFile, replace_file, write_whole
from supavisor_lint.survey.force import value_of
from supavisor_lint.survey.model import Advice, Wanted


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to become of a settings file.

    `before` is None for a file that is not there yet; `is_new_table` tells that there is no table either; `refusal`
    says why the lines of `table` cannot be added, None where they are in `after`; `notes` are remarks, one line each.
    """

    path: Path
    before: bytes | None
    after: bytes
    is_new_table: bool
    table: str
    refusal: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether anything is to be added."""
        return bool(self.table)

    def write(self, root: Path) -> None:
        """Write the file, whole or not at all; raises UnwritableFile, with everything as it was."""
        if self.before is not None:
            replace_file(self.path, self.before, self.after, root)
            return
        try:
            write_whole(self.path, self.after, None, self._require_absence)
        except OSError as error:
            raise UnwritableFile(error.strerror or str(error)) from error

    def _require_absence(self) -> None:
        if self.path.exists():
            raise UnwritableFile("it has been made meanwhile")


def plan_of(root: Path, file: SettingsFile, advice: Advice) -> Plan:
    """What to add to the settings file of a root; what a key says already is never changed."""
    keys = [NewKey(one.key, one.value, harmless(one.why)) for one in advice.wanted if _is_missing(file, one)]
    notes = (*advice.notes, *_differences(file, advice.wanted))
    path = file.path or root / SETTINGS_FILE
    before = file.text.encode() if file.path is not None else None
    if not keys:
        return Plan(path, before, before or b"", not file.has_table, "", notes=notes)
    try:
        after = with_keys(file.text, keys).encode()
    except UneditableTable as error:
        return Plan(path, before, before or b"", not file.has_table, table_of(keys), error.reason, notes)
    return Plan(path, before, after, not file.has_table, table_of(keys), notes=notes)


def _is_missing(file: SettingsFile, wanted: Wanted) -> bool:
    """Whether a key is to be added: it says something else than what holds without it, such as the default."""
    return wanted.key not in file.lines and wanted.value != value_of(file.settings, wanted.key)


def _differences(file: SettingsFile, wanted: tuple[Wanted, ...]) -> list[str]:
    """A remark for each list that is set and lacks something, and for no other setting: that is a decision."""
    return [
        f"line {file.lines[one.key]}: `{one.key}` could be {written(one.value)}: {one.why}"
        for one in wanted
        if one.key in file.lines and isinstance(one.value, list) and one.value != value_of(file.settings, one.key)
    ]
