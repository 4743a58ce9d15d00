"""Questions about what a session has not sent yet: `if session.new or session.dirty:`."""

from __future__ import annotations

from supavisor_lint.facts.file import walk
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.tree import Attribute, Expr, Other
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import SessionRef


def changes_asked(frame: Frame, test: Expr, state: State) -> tuple[list[State], list[State]] | None:
    """The states in which a session has such changes, and those in which it has none; None for another question.

    Where a session has some, of whatever kind, and the test finds none, nobody can tell whether a transaction is open.
    """
    from supavisor_lint.flow.expressions import evaluate

    receiver = _asked(test)
    if receiver is None:
        return None
    value = next((value for _, value in evaluate(frame, receiver, state)), None)
    if not isinstance(value, SessionRef):
        return None
    session = state.sessions[value.site]
    if session.blocks or not state.history(value.site).unsent:
        return [state], [state]
    unsure = state.with_session(value.site, session._replace(transaction="entry"))
    return [unsure if isinstance(test, Other) else state], [unsure]


@kept
def _asked(test: Expr) -> Expr | None:
    """What `session.new`, `any(session.dirty)` or `len(session.new) > 0` asks."""
    asked = (node for node in walk(test) if isinstance(node, Attribute) and node.attr in ("new", "dirty", "deleted"))
    return next((attribute.value for attribute in asked), None)
