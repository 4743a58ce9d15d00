"""The session helper is imported elsewhere than the settings ask.

## What it finds
The import of a session helper that a background task uses: at module level with `import-style = "function"` (the
default), or inside the function with `import-style = "module"`. Off by default.

## Why it matters
Session modules import models and settings; tasks are imported by routers that the session module may reach again. An
import inside the function keeps such cycles away. A project that has none may prefer the module level; either way one
style is easier to search for.

## Example
```python
from app.session import get_session

async def process(job_id):
    try:
        async with get_session() as session, session.begin():
            job = await session.get(Job, job_id)
    except Exception:
        logger.exception("job %s failed", job_id)
```

## Use instead
```python
async def process(job_id):
    from app.session import get_session

    try:
        async with get_session() as session, session.begin():
            job = await session.get(Job, job_id)
    except Exception:
        logger.exception("job %s failed", job_id)
```

## Fix safety
Safe: the same module is imported, by another statement. There is no fix where the module itself or other modules need
the name at module level, or where an import at module level would close a cycle.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import NameImport
from supavisor_lint.facts.tree import Call, Name
from supavisor_lint.findings import Finding
from supavisor_lint.flow.shape import TaskShape
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """The imports of helpers that tasks enter, each once."""
    reported: set[Node] = set()
    wanted = view.settings.import_style
    for task, shape in view.working_tasks:
        for name, binding, level in _helper_imports(shape):
            if level != wanted and binding.node not in reported:
                reported.add(binding.node)
                yield RULE.at(
                    view,
                    binding.node,
                    f"`{name}` is imported at {level} level, the settings ask for {wanted} level",
                    related=[view.place(view.file, task.node, f"used by the background task `{task.node.name}`")],
                )


def _helper_imports(shape: TaskShape) -> Iterator[tuple[str, NameImport, str]]:
    for opening in shape.openings:
        if opening.session.source != "helper" or opening.item is None:
            continue
        context = opening.item.context
        if isinstance(context, Call) and isinstance(context.func, Name):
            name = context.func.id
            owner = shape.function.scope.lookup(name)
            for binding in owner.bindings[name] if owner is not None else ():
                if isinstance(binding, NameImport) and owner is not None:
                    yield name, binding, "module" if owner.kind == "module" else "function"


RULE = Rule("SUP601", "helper-import-placement", "info", "template", "safe", __doc__, detect, default=False)
