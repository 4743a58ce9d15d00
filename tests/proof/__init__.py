"""Proof by execution: generated tasks are run before and after their safe rewrites, and must do the same.

    python -m tests.proof --programs 10000 --seed 1 --jobs 2

`hurried` and `flow_tasks` write the tasks, `layout` gives them the looks of real files, `rewriting` fixes many at once,
`stage` runs one with a given input and given faults and notes what it does, `trial` runs both texts on every input and
with faults, `compare` says what differs. Programs, driver and reduction come from `tests.judge`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # for `judge`, whose tests import it by that name
