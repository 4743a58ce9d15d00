"""What the project says about itself without settings, and which settings would tell what it does not say.

`model` is the plain data, `definitions` fills it from a linked project (`import_names`: what its modules are called),
`advice` judges what is missing (`task_names`, `outside`: what no definition tells), `force` holds the settings of a run
against all that, and `text` shows it. Nothing here reads or writes a file but through `run`.
"""

from __future__ import annotations

from pathlib import Path

from supavisor_lint.engine import Engine
from supavisor_lint.run import known_files, linked_project, room_for_trees
from supavisor_lint.settings import Settings
from supavisor_lint.survey.advice import advise
from supavisor_lint.survey.definitions import Surveyor
from supavisor_lint.survey.model import Advice, Survey


def survey(root: Path, settings: Settings) -> Survey:
    """What is found below `root` by definition."""
    with room_for_trees():
        return _surveyor(root, settings).survey()


def survey_and_advice(root: Path, settings: Settings) -> tuple[Survey, Advice]:
    """The same, with what the settings should say and do not say yet."""
    with room_for_trees():
        surveyor = _surveyor(root, settings, all_tasks=True)  # as the inventory lists them
        found = surveyor.survey()
        return found, advise(surveyor, found)


def _surveyor(root: Path, settings: Settings, *, all_tasks: bool = False) -> Surveyor:
    known = known_files([root], root, settings, ())
    return Surveyor(Engine(linked_project(known, settings, {}, root, all_tasks=all_tasks)))
