"""Whether a helper's exit does to a session's work what its own end did (conditions 2, 3 and 5 of section 10)."""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import scope_of
from supavisor_lint.facts.handlers import enclosing_tries, own_nodes
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.tree import Attribute, Call, Expr, Name
from supavisor_lint.flow.descent import Descent, Place
from supavisor_lint.flow.events import Ended
from supavisor_lint.project.values import FunctionValue, LambdaValue, Partial, Session
from supavisor_lint.rewrites.base import Context
from supavisor_lint.rewrites.helpers import Helper, difference
from supavisor_lint.rewrites.kept_objects import why_objects_are_lost
from supavisor_lint.rewrites.session_life import Life, reads_of

_HOOKS = ("before_commit", "after_commit")
_PLAIN_OPERATIONS = frozenset(
    {"get", "get_one", "execute", "scalar", "scalars", "refresh", "add", "add_all", "delete", "merge", "flush"}
    | {"commit", "rollback", "close", "expire", "expire_all", "expunge", "expunge_all"}
)


def doubt(context: Context, life: Life, helper: Helper, session: Session) -> str | None:
    """What the helper may do to the database, or to its objects, that the session's own end does not; None if nothing.

    Raises NoFix where the helper's sessions go to another database.
    """
    differs = difference(context, helper, session)
    if differs is not None:
        return differs
    if not session.begun:  # else its block has committed all that the helper could
        committed = doubt_about_commit(context, life, session)
        if committed is not None:
            return committed
        hooks = commit_hooks(context)
        if hooks is not None:
            return f"{hooks} listens to commits, of which the helper makes one more"
    expires = context.view.follower.openings.expires(helper.session)
    return why_objects_are_lost(context, life, True if session.begun and expires is None else expires)


def commit_hooks(context: Context) -> str | None:
    """A file of the project that is told of each session's commit, and may do anything then; None if there is none."""
    return next((path for hook in _HOOKS for path in context.project.mentioning(hook)), None)


def doubt_about_commit(context: Context, life: Life, session: Session) -> str | None:
    """What the helper may commit at its end that the session's own end throws away; None if nothing."""
    return next(_doubts_about_commit(context, life, session), None)


def _doubts_about_commit(context: Context, life: Life, session: Session) -> Iterator[str]:
    if any(part == "finalbody" for _, part in enclosing_tries(life.opening)):
        yield "it is opened in a `finally`, whose paths are not followed apart"
    trace = context.wary.trace(context.file, life.function)
    if not trace.complete:
        yield "the function has too many paths to tell what would be committed"
    ends = [event for event in trace.of(Ended) if event.opened.site in life.sites and _is_end(life, event.node)]
    if trace.opened.isdisjoint(life.sites):
        yield "no path was found that opens it"
    for end in ends:
        pending = sorted(node.span.line for node in end.pending if life.holds(node))
        if pending:
            yield f"line {pending[0]} may not be committed now, and would be then"
        for failed in end.failed:
            if life.holds(failed):
                yield f"a handler goes on without `rollback()` when line {failed.span.line} fails"
        if end.unsure:
            yield from _why_unsure(context, life, session)
    for call in _calls_of_rows(context, life):
        yield f"line {call.span.line} calls what is made of a row, which may change it behind the last commit"


def _why_unsure(context: Context, life: Life, session: Session) -> Iterator[str]:
    """What may have been done to a session that no path shows.

    Nothing where all its uses are plain operations: then it only is in doubt whether a `get()` had its row at hand, and
    has begun no transaction. What there is to commit shows on the path on which it had.
    """
    reads = (read for read in reads_of(context, life.function, life.name) if life.holds(read))
    shared = next((read for read in reads if not _is_plain_operation(life, read)), None)
    if shared is not None:
        yield f"other code has it as well (line {shared.span.line}), which may leave something to commit"
    elif session.confidence == "low":
        yield "it is not known for certain what is opened here"


def _is_plain_operation(life: Life, read: Name) -> bool:
    """`session.get(…)` in the function itself: nobody else gets the session, or a part of it."""
    method = read.parent
    if not isinstance(method, Attribute) or not isinstance(method.parent, Call) or method.parent.func is not method:
        return False
    return method.attr in _PLAIN_OPERATIONS and scope_of(read) is life.function.scope


def _calls_of_rows(context: Context, life: Life) -> Iterator[Call]:
    """The calls of names that hold a method of a row, or what is made of one: `finish = job.finish`, `partial(…)`.

    No path shows what they do; a lambda or a function of the project is followed.
    """
    rows = Descent(Place(context.ev, context.file), life.function, (life.name,))
    for call in own_nodes(life.statements):
        if isinstance(call, Call) and isinstance(call.func, Name):
            values = context.ev.values(context.file, call.func)
            targets = [value.target if isinstance(value, Partial) else value for value in values]
            if not any(isinstance(target, FunctionValue | LambdaValue) for target in targets):
                for binding in life.function.scope.bindings.get(call.func.id, ()):
                    if isinstance(binding, Assigned) and binding.value is not None and _is_made_of(rows, binding.value):
                        yield call


def _is_made_of(rows: Descent, value: Expr) -> bool:
    return rows.is_of(value) or (isinstance(value, Call) and rows.holds(value))


def _is_end(life: Life, node: Node) -> bool:
    """Whether the helper's block would end here: not at a `close()` that stays."""
    if life.item is not None:
        return node is life.item.context
    if isinstance(node, Call) and node is not life.opening:
        return life.close is not None and life.close.contains(node)
    return True
