"""The long run: `python -m tests.proof --programs 10000 --seed 1 --jobs 2` (from the root of the project).

Each generated task is fixed (`check --fix`); those that were rewritten are run before and after, on every input, with a
fault at each step and with pairs of faults, up to `--runs` runs of each text. Every difference is printed, made small,
with both texts, then the counts. The exit code is 1 if there was a difference. What was fixed in each tenth batch is
fixed a second time, which must change nothing. `--number N` tries the one task with that number again, `--show` prints
both texts of it, `--first N` goes on with a run that was cut off.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from .court import judged_batch, shown

BATCH = 50
EACH_TENTH = 10 * BATCH


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the batches, print as they come."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--programs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--runs", type=int, default=150)
    parser.add_argument("--number", type=int)
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args(arguments)
    first, end = (options.first, options.first + options.programs)
    if options.number is not None:
        first, end = options.number, options.number + 1
    if options.show:
        print("\n".join(shown(options.seed, number) for number in range(first, end)))
        return 0
    started = time.monotonic()
    counts: Counter[str] = Counter()
    with ProcessPoolExecutor(options.jobs) as pool:
        batches = [
            pool.submit(judged_batch, options.seed, at, min(BATCH, end - at), options.runs, at % EACH_TENTH == 0)
            for at in range(first, end, BATCH)
        ]
        for batch in batches:
            more, reports = batch.result()
            counts += more
            for report in reports:
                print(report, flush=True)
            sys.stderr.write(f"{_sum(counts, 'programs')} programs, {_sum(counts, 'rewritten')} rewritten\n")
    for name, count in sorted(counts.items()):
        print(f"{count:8}  {name}")
    print(f"{time.monotonic() - started:8.0f}  seconds")
    return 1 if any(name.startswith("DIFFERENCE") for name in counts) else 0


def _sum(counts: Counter[str], name: str) -> int:
    return sum(count for counted, count in counts.items() if counted.startswith(f"{name} ("))


if __name__ == "__main__":
    sys.exit(main())
