"""The long run: `python -m tests.judge --programs 20000 --seed 1 --jobs 2` (from the root of the project).

It prints the number of every program with a disagreement, and the first of each kind made small, with what happened
and what was found; then the counts, those of the differences by design with their rate. The exit code is 1 if there
was a disagreement. `--number N` judges the one program with that number again, `--first N` goes on with a run that was
cut off, `--events` counts what happens without asking the rules.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from .court import Case, report, small, try_cases
from .findings import MISSING, Found, ask_rules
from .programs import program
from .run_program import World

BATCH = 100
PROGRESS = 5
"""After how many batches a line says how far the run is."""
MOST_SHOWN = 1
"""How many examples of one kind of disagreement a batch makes small."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A disagreement: in which program, of what kind, and the small program for reading, if it was made small."""

    number: int
    kind: str
    shown: str | None


def ask_nobody(texts: Sequence[str]) -> list[tuple[Found, ...]]:
    """No findings."""
    return [() for _ in texts]


def judge_batch(seed: int, first: int, count: int, with_rules: bool) -> tuple[Counter[str], list[Wrong]]:
    """Judge some programs of a seed: the counts, and the disagreements."""
    ask = ask_rules if with_rules else ask_nobody
    counts: Counter[str] = Counter()
    found: list[Wrong] = []
    world = World()
    try:
        texts = [program(seed, number) for number in range(first, first + count)]
        for number, case in enumerate(try_cases(world, texts, ask), first):
            counts.update(_counted(case))
            if with_rules and case.wrong:
                kind = case.wrong[0].kind
                counts[f"WRONG {kind}"] += 1
                is_new = sum(1 for one in found if one.kind == kind) < MOST_SHOWN
                found.append(Wrong(number, kind, report(small(world, case, ask)) if is_new else None))
    finally:
        world.close()
    return counts, found


def _counted(case: Case) -> Counter[str]:
    """What one program adds to the counts."""
    counts = Counter({"programs": 1, "inputs": len(case.outcome.runs)})
    counts["programs with inputs left out"] = int(not case.outcome.complete)
    counts.update({f"event {e.kind}" for run in case.outcome.runs for e in run.events if e.required})
    counts.update(f"finding {item.code}" for item in case.found)
    counts.update(f"undecided {item.code}" for item in case.undecided)
    counts.update({f"by design: {item.by_design}" for item in case.disagreements if item.by_design})
    return counts


def _with_rate(name: str, count: int, programs: int) -> str:
    rate = f"  ({100 * count / programs:.3f} % of the programs)" if name.startswith("by design") else ""
    return f"{count:8}  {name}{rate}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.judge", description=__doc__)
    parser.add_argument("--programs", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first program")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--number", type=int)
    parser.add_argument("--events", action="store_true")
    options = parser.parse_args()
    if options.number is not None:
        options.first, options.programs = options.number, 1
    return options


def _print_wrong(found: Sequence[Wrong], seed: int, kinds: Counter[str]) -> None:
    """The disagreements of a batch; of each kind the first few in full (`kinds` counts them)."""
    for wrong in found:
        kinds[wrong.kind] += 1
        shown = f"{wrong.shown}\n" if wrong.shown and kinds[wrong.kind] <= 4 * MOST_SHOWN else ""
        print(f"== {wrong.kind}: program {wrong.number} of seed {seed}\n{shown}", flush=True)


def main() -> int:
    """Run the batches, print as they come; how far they are goes to stderr."""
    options = _options()
    if MISSING and not options.events:
        print(f"the catalogue has no {', '.join(MISSING)}: nothing to compare with", file=sys.stderr)
        return 2
    first, end = options.first, options.first + options.programs
    started = time.monotonic()
    counts: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    with ProcessPoolExecutor(options.jobs) as pool:
        batches = [
            pool.submit(judge_batch, options.seed, at, min(BATCH, end - at), not options.events)
            for at in range(first, end, BATCH)
        ]
        for number, batch in enumerate(batches, 1):
            more, found = batch.result()
            counts += more
            _print_wrong(found, options.seed, kinds)
            if number % PROGRESS == 0:
                print(f"{first + number * BATCH} of {end}: {kinds.total()} disagreements", file=sys.stderr, flush=True)
    for name, count in sorted(counts.items()):
        print(_with_rate(name, count, counts["programs"]))
    print(f"{time.monotonic() - started:8.0f}  seconds")
    return 1 if kinds else 0


if __name__ == "__main__":
    sys.exit(main())
