"""A `noqa` for a SUP code suppresses nothing.

## What it finds
A SUP code in a `# noqa: …` comment that suppresses no finding, if its rule is enabled in this run. Blanket
`# noqa` comments and codes of other tools are left alone.

## Why it matters
A comment that once silenced a known case will silence the next, unknown one.

## Example
```python
async with get_session() as session:  # noqa: SUP101
    ...
```

## Use instead
```python
async with get_session() as session:
    ...
```

## Fix safety
Safe: only the codes are removed, and the `noqa` when none is left in it; an explanation behind it stays. No fix where
the rest of the line would mean something else to flake8 or to another tool.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.findings import Finding
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """Nothing: the engine knows what the other rules reported, and what was suppressed."""
    return iter(())


RULE = Rule("SUP901", "unused-suppression", "warning", "template", "safe", __doc__, detect)
