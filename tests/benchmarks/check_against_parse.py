"""How much does a check cost, in units of LibCST's own parse of the files that it reads?

    python tests/benchmarks/check_against_parse.py TREE [--rounds 3] [--profile hazards] [--select SUP1,SUP2]

Both are measured in this one process, in turn, without any cache: the parse of the candidates alone (as LibCST does it
by default), and the whole check (discovery, prefilter, parse, linking, rules). Prints the medians of both, and that of
their ratios in each round: what is measured right behind the other suffers least from a machine whose speed wanders.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from dataclasses import replace
from pathlib import Path

import libcst

from supavisor_lint import run
from supavisor_lint.settings import Settings
from supavisor_lint.sources.reading import UndecodableFile, decode


def main() -> None:
    """Measure one tree and print the figures."""
    parser = argparse.ArgumentParser(description="cost of a check against LibCST's parse of its candidates")
    parser.add_argument("tree", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", choices=["template", "hazards"], default="template")
    parser.add_argument("--select", help="codes, separated by commas: what do these rules alone cost?")
    options = parser.parse_args()
    root = options.tree.resolve()
    settings = replace(Settings(), profile=options.profile)
    if options.select is not None:
        settings = replace(settings, select=tuple(options.select.split(",")))

    texts = parsed_texts(root, settings)
    parses, checks = [], []
    for _ in range(options.rounds):
        parses.append(seconds(lambda: parse_all(texts)))
        checks.append(seconds(lambda: run.check_paths([root], root, settings)))
    ratios = sorted(check / parse for parse, check in zip(parses, checks, strict=True))
    print(f"files parsed      {len(texts)} ({sum(map(len, texts)):,} characters)")
    print(f"LibCST's parse    {statistics.median(parses):8.3f} s")
    print(f"whole check       {statistics.median(checks):8.3f} s")
    print(f"ratio             {statistics.median(ratios):8.2f} (of each round: {ratios[0]:.2f} to {ratios[-1]:.2f})")


def parsed_texts(root: Path, settings: Settings) -> list[str]:
    """The texts of all files that a check parses."""
    known = run.known_files([root], root, settings, ())
    project = run.linked_project(known, settings, {})
    run.analyse_all(project)
    texts = []
    for path in project.parsed_paths:
        try:
            texts.append(decode(project.bytes_of(path)))
        except UndecodableFile:
            continue
    return texts


def parse_all(texts: list[str]) -> None:
    """LibCST's parse, nothing else; a text that it refuses costs what it costs."""
    for text in texts:
        try:
            libcst.parse_module(text)
        except libcst.ParserSyntaxError:
            continue


def seconds(work: object) -> float:
    """Seconds of the processor that one call takes: what else the machine does counts less than by the clock."""
    gc.collect()
    start = time.process_time()
    work()  # type: ignore[operator]
    return time.process_time() - start


if __name__ == "__main__":
    main()
