"""How the truth tables are written: programs that say at the end of a line what happens there.

`# begun`, `# lost`, … (`events.Kind`) for what some input shows, with a question mark where a finding may, but need
not, say so. A line without a comment is silent. WORK, READ, EXECUTE (which fails) and FAILED stand for
statements; functions of the module stand above a line `---`.
"""

from __future__ import annotations

from .prelude import HEAD
from .run_program import Outcome, World

WORK = "await session.execute(insert(Job).values(name=fresh(), status=mark()))"
READ = "await session.execute(select(Job))"
EXECUTE = 'await session.execute(insert(Job).values(name="first", status=mark()))'
FLUSH = 'session.add(Job(name="first", status=mark()))\n            await session.flush()'
FAILED = 'await session.execute(update(Job).where(Job.id == job_id).values(status="failed"))'


def text_of(body: str) -> str:
    """A program; FAILED, WORK and READ stand for statements."""
    body = body.replace("FAILED", FAILED).replace("WORK", WORK).replace("READ", READ).replace("EXECUTE", EXECUTE)
    functions, _, task = body.strip("\n").rpartition("\n---\n")
    indented = "\n".join(f"    {line}" for line in task.split("\n"))
    return f"{HEAD}\n{functions}\n\nasync def task(flags, job_id):\n{indented}\n"


def check(world: World, body: str) -> Outcome:
    """Run a program; what happens is what its comments say."""
    text = text_of(body)
    expected = {
        (number, word.strip())
        for number, line in enumerate(text.split("\n"), 1)
        if "#" in line
        for word in line.rpartition("#")[2].split(",")
    }
    outcome = world.outcome(text)
    assert outcome.complete
    happened = {
        (event.lines[0], event.kind + "?" * (not event.required)) for run in outcome.runs for event in run.events
    }
    assert happened == expected, "\n".join(f"{n:3} {line}" for n, line in enumerate(text.split("\n"), 1) if n > 17)
    return outcome
