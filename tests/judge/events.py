"""What a run of a program shows: the errors and losses that really happened, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "begun",  # "A transaction is already begun on this Session."
    "closed",  # "Can't operate on closed transaction inside context manager."
    "pending",  # PendingRollbackError
    "aborted",  # a statement after an error in the same transaction, on PostgreSQL
    "greenlet",  # MissingGreenlet at an attribute
    "detached",  # DetachedInstanceError at an attribute
    "locked",  # waits for the lock of another session of the same task
    "lost",  # a write that nothing committed, without an error
    "discarded",  # rollback() or close() inside a begin() block
    "committed-early",  # commit() inside a begin() block that then raised
    "swallowed",  # an error caught inside a begin() block took the block's work with it, without an error
    "unexplained",  # a write that is gone, and the judge does not know why: a fault of the judge
]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that went wrong at one statement.

    `lines` are the program's lines on the stack, innermost first. `causes` are other lines: where a finding may stand
    (the commit that closed the transaction, the other writes of the same loss), what began the transaction, or what
    may have loaded or set the object since it expired. `failed` are the statements of the block that failed before, or
    the exceptions since the write that is lost. `within` is the line of the begin() block around it, or 0.
    `required`: a finding must say so; else a finding may. `reads`: it was the read of an attribute.
    """

    kind: Kind
    lines: tuple[int, ...]
    causes: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    within: int = 0
    required: bool = True
    text: str = ""
    reads: bool = False
