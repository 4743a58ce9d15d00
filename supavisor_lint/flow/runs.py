"""Runs of operations outside `begin()` blocks, and the commits by hand that cover them. Lexical: in source order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from supavisor_lint.facts.statements import Handler
from supavisor_lint.flow.operations import Operation
from supavisor_lint.flow.shape import Opening, TaskShape


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive operations of one session outside any block; `commit` is the commit by hand that ends the run."""

    operations: tuple[Operation, ...]
    commit: Operation | None

    @property
    def first(self) -> Operation:
        """The operation that begins the transaction."""
        return self.operations[0]


def runs(shape: TaskShape) -> Iterator[Run]:
    """The runs of each session that a task opens (in source order), those in a handler apart."""
    by_session: dict[Opening | None, list[Operation]] = {}
    for operation in shape.own_operations:
        by_session.setdefault(shape.opening_of(operation), []).append(operation)
    for own in by_session.values():
        yield from _runs_of_one(own)


def _runs_of_one(operations: list[Operation]) -> Iterator[Run]:
    by_handler: dict[Handler | None, list[Operation]] = {}
    for operation in operations:
        by_handler.setdefault(operation.handler, []).append(operation)
    for path in by_handler.values():
        yield from _runs_of_path(path)


def _runs_of_path(operations: list[Operation]) -> Iterator[Run]:
    open_run: list[Operation] = []
    for operation in operations:
        if open_run and _ends_run(operation):
            yield Run(tuple(open_run), None)
            open_run = []
        if operation.kind == "work" and operation.block is None:
            open_run.append(operation)
        elif operation.kind == "commit" and operation.block is None and open_run:
            yield Run(tuple(open_run), operation)
            open_run = []
    if open_run:
        yield Run(tuple(open_run), None)


def _ends_run(operation: Operation) -> bool:
    return operation.block is not None or operation.kind in ("begin", "rollback", "close")
