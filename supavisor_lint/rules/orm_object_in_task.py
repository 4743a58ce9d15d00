"""An ORM object of a session is handed to a background task.

## What it finds
At a registration (`add_task`, `create_task`, a registrar of the project's own): an argument, keyword or partial that is
an ORM object, and a nested function or lambda that captures one. An ORM object is what a query of a followed session
gave, a parameter whose type is a mapped class of the project, or what a `Depends` returns as one. Values that are read
from it on the spot (`order.id`) are right.

## Why it matters
The object belongs to the session of the request. When the task runs, that session may be closed or busy elsewhere: an
attribute that is not loaded, or has expired with a commit, raises `MissingGreenlet` or `DetachedInstanceError`; what
the task sets on it is never saved; and what it reads is as old as the request.

## Example
```python
job = await session.get(Job, job_id)
background_tasks.add_task(process_job, job)
```

## Use instead
```python
job = await session.get(Job, job_id)
background_tasks.add_task(process_job, job.id)      # the task loads it in a session of its own
```

## Fix safety
No rewrite is offered: the task's signature and all its callers change.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import enclosing_function, scope_of
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import Name, Param
from supavisor_lint.findings import Finding
from supavisor_lint.flow.events import HandedObject
from supavisor_lint.flow.registering import carried_names
from supavisor_lint.project.definitions import place_of
from supavisor_lint.project.mapped import orm_parameter
from supavisor_lint.project.registration import Registration
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """The registrations of this file."""
    here = [r for r in view.project.table.registrations if r.file is view.file]
    if not here:
        return
    functions = dict.fromkeys(enclosing_function(registration.node) for registration in here)
    traces = [view.follower.trace(view.file, function) for function in functions if function is not None]
    loaded = {(e.registration, e.node): e for trace in traces for e in trace.of(HandedObject) if e.sure}
    seen: set[Node] = set()
    for registration in here:
        for name, carrier in carried_names(registration):
            event = loaded.get((registration.node, carrier))
            is_loaded = event is not None and event.name == name.id
            if carrier in seen or not (is_loaded or _is_orm_parameter(view, registration, name)):
                continue
            seen.add(carrier)
            place = place_of(registration.target)
            yield RULE.at(
                view,
                carrier,
                f"`{name.id}` is an ORM object of this function's session, which does not wait for the task: hand over "
                "its id or plain values, and let the task load it in a session of its own",
                related=[place] if place is not None else [],
            )


def _is_orm_parameter(view: FileView, registration: Registration, name: Name) -> bool:
    """Whether a name is a parameter of the registering function that holds an ORM object, and nothing else since."""
    function = enclosing_function(registration.node)
    owner = scope_of(name).lookup(name.id)
    if function is None or owner is not function.scope:
        return False
    bindings = owner.bindings[name.id]
    return len(bindings) == 1 and isinstance(bindings[0], Param) and orm_parameter(view.ev, view.file, bindings[0])


RULE = Rule("SUP205", "orm-object-in-task", "warning", "template", "none", __doc__, detect, default=False)
