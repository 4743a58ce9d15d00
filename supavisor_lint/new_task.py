"""A new task for a project: reads what it needs of the project, and has the template written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from supavisor_lint.engine import Engine
from supavisor_lint.project.project import Project
from supavisor_lint.project.unmatched import unmatched_entries
from supavisor_lint.rewrites.base import Context
from supavisor_lint.rewrites.new_task import NewTask, new_task
from supavisor_lint.run import known_files, linked_project, reader, room_for_trees
from supavisor_lint.settings import Settings

# It speaks of sessions, so that the project is linked for it; its name is taken by no module of a project.
_PLACE = "supavisor_lint_new_task.py"
_TEXT = b"from sqlalchemy.ext.asyncio import AsyncSession\n"


def task_for_project(name: str, root: Path, settings: Settings) -> NewTask:
    """The standard template for the project below `root`. Raises NoFix where its settings cannot be used.

    Its remarks begin with what the settings name and the project does not have.
    """
    with room_for_trees():
        known = known_files([root], root, settings, ())
        bare = Project(known, reader(known), settings)  # without the place of the new task
        unmatched = [entry.line for entry in unmatched_entries(bare)]
        engine = Engine(linked_project(known, settings, {_PLACE: _TEXT}, root))
        facts = engine.project.facts(_PLACE)
        if facts is None:  # a text without a fault, in the project: there is no other way
            raise AssertionError("the place of the new task cannot be read")
        task = new_task(Context(engine.view(facts), _TEXT.decode()), name)
        return replace(task, remarks=(*unmatched, *task.remarks))
