"""SUP102: the session helper in the place of `AsyncSession(…)`, or of a factory that is built on the spot.

Always unsafe: another engine, or other options, may be meant.
"""

from __future__ import annotations

from supavisor_lint.facts.file import scope_of
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import Assign
from supavisor_lint.facts.tree import Attribute, Call, Expr, Name
from supavisor_lint.findings import Edit, Finding, Fix
from supavisor_lint.flow.connections import is_connection
from supavisor_lint.project.values import Factory, FactoryBlock, Session
from supavisor_lint.rewrites import swap_edits
from supavisor_lint.rewrites.base import Context, NoFix, shared_line
from supavisor_lint.rewrites.helpers import Helper, helper_for, require_its_part
from supavisor_lint.rewrites.imports import bind
from supavisor_lint.rewrites.session_escape import refuse_escape
from supavisor_lint.rewrites.session_life import life_of_session
from supavisor_lint.rewrites.swap_safety import doubt_about_commit


def propose(context: Context, finding: Finding) -> Fix:
    """Open the session with the helper; a factory that is kept for one call goes with its variable."""
    made = context.node(finding, Call)
    helper = helper_for(context, None)
    require_its_part(context, helper)
    _refuse_connection(context, made)
    if not isinstance(context.ev.only(context.file, made), Factory):
        return _fix(context, helper, made, [])
    if not isinstance(made.parent, Assign):
        return _fix(context, helper, _called(made), [])
    opening = _called(_only_read(context, made.parent))
    if not context.source.has_lines_of_its_own([made.parent]):
        raise shared_line(made.parent.span.line)
    return _fix(context, helper, opening, context.remove(made.parent))


def _refuse_connection(context: Context, made: Call) -> None:
    """A session on somebody's connection works in a transaction that the helper's sessions know nothing of."""
    bind = made.argument(0, "bind")
    if bind is None:
        return
    known = is_connection(context.ev, context.file, bind)
    joins = made.argument(None, "join_transaction_mode") is not None or "conn" in (last_name(bind) or "").lower()
    if known or (known is None and joins):
        where = f"a connection (line {bind.span.line})"
        raise NoFix(f"the session works in the transaction of {where}, which the helper's sessions do not join")


def _only_read(context: Context, assign: Assign) -> Name:
    target = assign.targets[0]
    if len(assign.targets) != 1 or not isinstance(target, Name):
        raise NoFix("the factory that is built here is not kept in one plain name")
    scope = scope_of(assign)
    reads = [r for r in context.file.names.get(target.id, ()) if scope_of(r).lookup(target.id) is scope]
    if len(reads) != 1 or len(scope.bindings[target.id]) != 1 or reads[0].order < assign.order:
        raise NoFix("the factory that is built here is used more than once, or for something else than one session")
    return reads[0]


def _called(factory: Expr) -> Call:
    """The call of a factory, or of its `begin`."""
    call = factory.parent
    if isinstance(call, Attribute) and call.attr == "begin":
        factory, call = call, call.parent
    if not isinstance(call, Call) or call.func is not factory:
        raise NoFix("the factory that is built here is handed on: whoever calls it has to open the session")
    return call


def _fix(context: Context, helper: Helper, opening: Call, more: list[Edit]) -> Fix:
    made = context.ev.only(context.file, opening)
    begun = isinstance(made, FactoryBlock)
    if not begun and not isinstance(made, Session):
        raise NoFix("what is called here is not known to give a session and nothing else")
    _refuse_connection(context, opening)
    life = life_of_session(context, opening)
    refuse_escape(context, life)
    bound = bind(context, helper, opening)
    if life.item is not None:
        edits = swap_edits.entered(context, life, bound.expression, begun=begun)
    else:
        edits = swap_edits.assigned(context, life, bound.expression)
    title = f"Open the session with `{bound.expression}()`: another engine, or other options, may be meant here"
    committed = doubt_about_commit(context, life, made) if isinstance(made, Session) else None
    title = title if committed is None else f"{title}, and {committed}"
    return context.fix("unsafe", title, [*edits, *bound.edits, *more])
