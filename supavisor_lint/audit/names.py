"""The dotted names of the helpers, getters and factories that give sessions, as the project imports them."""

from __future__ import annotations

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.project.project import Project
from supavisor_lint.project.values import ClassValue, Factory, FunctionValue, NamedHelper, Session


def name_of(project: Project, session: Session) -> str:
    """The dotted name of what gives a session; "" if the project does not say."""
    match session.definition:
        case FunctionValue(file, node) | ClassValue(file, node):
            return _dotted(project, file, node.qualname)
        case Factory(file, _, name):
            return _dotted(project, file, name) if file is not None else name
        case NamedHelper(name):
            return name
        case _:
            return "AsyncSession" if session.source == "class" else ""


def _dotted(project: Project, file: FileFacts, name: str) -> str:
    """A name in a module, by the module's longest name that an import would find: `src` alone is no package."""
    names = list(project.dotted_names(file.path))
    usable = [
        dotted
        for dotted in names
        if project.module(file.path, dotted, 0) == file.path and not _begins_in_source_folder(project, dotted)
    ]
    module = next(iter(usable or names), "")
    return f"{module}.{name}".lstrip(".")


def _begins_in_source_folder(project: Project, dotted: str) -> bool:
    return dotted.startswith("src.") and "src/__init__.py" not in project.paths
