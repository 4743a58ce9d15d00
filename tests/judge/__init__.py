"""SQLAlchemy is the judge: what really happens in generated programs is compared with the findings.

    python -m tests.judge --programs 20000 --seed 1 --jobs 2

`programs` writes the programs, `run_program` runs one on every input and records what goes wrong, `findings` asks the
rules, `verdict` compares the two, `by_design` knows the differences that are meant, `reduce` makes a disagreement
small.
"""
