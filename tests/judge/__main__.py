"""The long run: `python -m tests.judge --programs 20000 --seed 1 --jobs 2` (from the root of the project).

It prints every disagreement, made small, with what happened and what was found, then the counts. The exit code is 1 if
there was a disagreement. `--number N` judges the one program with that number again, `--events` counts what happens
without asking the rules.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from .court import report, small, try_cases
from .findings import MISSING, Found, ask_rules
from .programs import program
from .run_program import World

BATCH = 100
MOST_SHOWN = 1
"""How many examples of one kind of disagreement a batch makes small."""


def ask_nobody(texts: Sequence[str]) -> list[tuple[Found, ...]]:
    """No findings."""
    return [() for _ in texts]


def judge_batch(seed: int, first: int, count: int, with_rules: bool) -> tuple[Counter[str], list[tuple[str, str]]]:
    """Judge some programs of a seed: the counts, and the disagreements (kind, text)."""
    ask = ask_rules if with_rules else ask_nobody
    counts: Counter[str] = Counter()
    shown: list[tuple[str, str]] = []
    world = World()
    try:
        texts = [program(seed, number) for number in range(first, first + count)]
        for number, case in enumerate(try_cases(world, texts, ask), first):
            counts["programs"] += 1
            counts["inputs"] += len(case.outcome.runs)
            counts["programs with inputs left out"] += not case.outcome.complete
            counts.update({f"event {e.kind}" for run in case.outcome.runs for e in run.events if e.required})
            counts.update(f"finding {item.code}" for item in case.found)
            counts.update(f"by design: {item.by_design}" for item in case.disagreements if item.by_design)
            if with_rules and case.wrong:
                kind = case.wrong[0].kind
                counts[f"WRONG {kind}"] += 1
                if sum(1 for one, _ in shown if one == kind) < MOST_SHOWN:
                    shown.append((kind, f"# program {number} of seed {seed}\n{report(small(world, case, ask))}"))
    finally:
        world.close()
    return counts, shown


def main() -> int:
    """Run the batches, print as they come."""
    parser = argparse.ArgumentParser(prog="python -m tests.judge", description=__doc__)
    parser.add_argument("--programs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--number", type=int)
    parser.add_argument("--events", action="store_true")
    options = parser.parse_args()
    if MISSING and not options.events:
        print(f"the catalogue has no {', '.join(MISSING)}: nothing to compare with", file=sys.stderr)
        return 2
    first, end = (0, options.programs) if options.number is None else (options.number, options.number + 1)
    started = time.monotonic()
    counts: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    with ProcessPoolExecutor(options.jobs) as pool:
        batches = [
            pool.submit(judge_batch, options.seed, at, min(BATCH, end - at), not options.events)
            for at in range(first, end, BATCH)
        ]
        for batch in batches:
            more, shown = batch.result()
            counts += more
            for kind, text in shown:
                kinds[kind] += 1
                if kinds[kind] <= 4 * MOST_SHOWN:
                    print(f"== {kind}\n{text}\n", flush=True)
    for name, count in sorted(counts.items()):
        print(f"{count:8}  {name}")
    print(f"{time.monotonic() - started:8.0f}  seconds")
    return 1 if any(name.startswith("WRONG") for name in counts) else 0


if __name__ == "__main__":
    sys.exit(main())
