"""Transaction objects: `tx` of `tx = await session.begin()`, of `async with session.begin() as tx`."""

from __future__ import annotations

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.tree import Call
from supavisor_lint.flow.session_state import SessionState
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import CALLER, Site, TransactionRef

_ASKING = "get_transaction"


def is_still_open(state: State, ref: TransactionRef) -> bool | None:
    """What `tx.is_active` says: whether nothing has ended the transaction, nor a failed flush spoiled it.

    None where that is not known. Another one that the session has begun since is not this one.
    """
    session = state.sessions.get(ref.session)
    if session is None or not session.sure:
        return None
    block = next((block for block in session.blocks if block.node is ref.block), None)
    if block is not None:
        return block.over is None and not _is_spoiled(session)
    if ref.nested or session.blocks or session.transaction == "entry":
        return None  # a savepoint that was begun by hand leaves no trace
    if session.transaction == "fresh":
        return False
    begun_by = state.history(ref.session).begun_by
    if ref.block in begun_by or CALLER in begun_by:
        return not _is_spoiled(session) if len(begun_by) == 1 else None
    is_told = bool(begun_by) and not (isinstance(ref.block, Call) and last_name(ref.block.func) == _ASKING)
    return False if is_told else None


def begun_transaction(state: State, site: Site, node: Node) -> TransactionRef:
    """The object of a transaction that is open outside any block, which a node asks for: what has begun it tells it."""
    begun_by = state.history(site).begun_by
    return TransactionRef(site, next(iter(begun_by)) if len(begun_by) == 1 else node)


def _is_spoiled(session: SessionState) -> bool:
    return session.hard in ("flush", "savepoint")
