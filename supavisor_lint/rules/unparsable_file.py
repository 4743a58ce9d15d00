"""A file cannot be read or parsed.

## What it finds
A file that would have been analysed and cannot: it is unreadable, its encoding is wrong or unknown, it holds null
bytes, LibCST does not accept its syntax, or its code is nested too deeply. The rest of the run goes on.

## Why it matters
A file that nobody looked at must not pass as clean.

## Example
```python
async def process(job_id:
    ...
```

## Use instead
```python
async def process(job_id):
    ...
```
A file that is no Python (a template, say) belongs into `extend-exclude`.

## Fix safety
No rewrite is offered: the file has to be made readable first.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.findings import Finding
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """Nothing: a file that can be viewed has been parsed. The engine reports the others."""
    return iter(())


RULE = Rule("SUP900", "unparsable-file", "error", "hazards", "none", __doc__, detect)
