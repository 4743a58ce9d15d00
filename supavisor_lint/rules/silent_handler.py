"""A broad handler in a background task neither logs nor raises.

## What it finds
In a background task that works with a session: `except Exception`, `except BaseException` or a bare `except` whose
body neither logs, nor raises, nor hands the exception on. Narrow handlers with a fallback are left out.

## Why it matters
A background task has no caller: what its handlers do not say, nobody will ever know.

## Example
```python
except Exception:
    pass
```

## Use instead
```python
except Exception:
    logger.exception("job %s: clean-up failed", job_id)
```

## Fix safety
Unsafe: which logger to use is a judgement. The line uses the one that the file uses; a file that has none gets
`logging.getLogger(__name__)`. It takes the place of a `pass`, and says that the task failed where the handler records
that, else that an error is ignored.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.findings import Finding
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """The broad handlers of each task that say nothing."""
    for task, shape in view.working_tasks:
        for handler in shape.broad_handlers:
            if shape.is_silent(handler):
                yield RULE.at(
                    view,
                    handler,
                    f"this handler of the background task `{task.node.name}` neither logs nor raises: the failure is "
                    "lost",
                    confidence=task.confidence,
                )


RULE = Rule("SUP405", "silent-handler", "warning", "template", "unsafe", __doc__, detect)
