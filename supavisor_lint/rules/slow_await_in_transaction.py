"""A background task waits for something slow while its transaction holds a connection.

## What it finds
In a background task: network, sleep, a thread or a subprocess that is awaited after a query and before the end of its
transaction, also through functions of the project (two of them deep) and `gather`. A transaction that has not queried
yet holds no connection.

## Why it matters
The pooler lends a connection for a transaction. While the task waits for somebody else, that connection is "idle in
transaction": nobody can use it, its locks stay, and old rows cannot be cleaned up. A few such tasks empty the pool.

## Example
```python
async with session.begin():
    job = await session.get(Job, job_id)
    response = await client.get(job.url)
    job.result = response.text
```

## Use instead
```python
async with session.begin():
    job = await session.get(Job, job_id)
    url = job.url
response = await client.get(url)
async with session.begin():
    job = await session.get(Job, job_id)
    job.result = response.text
```

## Fix safety
No rewrite is offered: what was read before the wait may have changed behind it, and only the author knows what to do
then.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.findings import Finding
from supavisor_lint.flow.events import SlowAwait
from supavisor_lint.flow.wording import through
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """Every slow wait of the file's tasks inside a transaction that holds a connection."""
    tasks = {task.node: task for task in view.tasks}
    for function, event in view.hazards(SlowAwait):
        task = tasks.get(function)
        if task is not None:
            yield RULE.at(
                view,
                event.node,
                f"this waits for `{event.what}` while the transaction of `{event.opened.name}` holds the connection "
                f"that {through(event.because)} took: end the transaction before, and begin another one behind",
                confidence=task.confidence,
                related=view.places(event, "holds a connection since", "waits here"),
                function=function,
            )


RULE = Rule("SUP307", "slow-await-in-transaction", "info", "template", "none", __doc__, detect, default=False)
