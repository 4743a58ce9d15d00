"""SUP101: the project's session helper in the place of a factory's call (conditions 1 to 7 of section 10)."""

from __future__ import annotations

from supavisor_lint.engine import Selection
from supavisor_lint.facts.handlers import broad_handlers
from supavisor_lint.facts.tree import Attribute, Call, Expr
from supavisor_lint.findings import Finding, Fix
from supavisor_lint.project.values import Factory, FactoryBlock, Session
from supavisor_lint.rewrites import swap_edits
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.helpers import Helper, helper_for, require_its_part
from supavisor_lint.rewrites.imports import bind_instead
from supavisor_lint.rewrites.session_escape import refuse_escape
from supavisor_lint.rewrites.session_life import Life, life_of_session
from supavisor_lint.rewrites.swap_safety import doubt


def propose(context: Context, finding: Finding) -> Fix:
    """Open the session with the helper: safe where its exit does to the work what the session's own end did."""
    opening = context.node(finding, Expr)
    if not isinstance(opening, Call):
        raise NoFix("the factory itself is handed on: whoever calls it has to open the session with the helper")
    made = context.ev.only(context.file, opening)
    session = _session(made)
    factory = session.definition if isinstance(session.definition, Factory) else None
    if opening.args:
        raise NoFix("the factory is called with options of its own, which the session helper does not take")
    helper = helper_for(context, factory)
    require_its_part(context, helper)
    life = life_of_session(context, opening)
    refuse_escape(context, life)
    return swap(context, life, helper, _factory_of(opening, session), doubt(context, life, helper, session), session)


def _session(made: object) -> Session:
    if isinstance(made, FactoryBlock):
        return Session("factory", made.factory, begun=True, confidence=made.factory.confidence)
    if isinstance(made, Session) and made.source == "factory":
        return made
    raise NoFix("what is called here is not known to be a session factory and nothing else")


def _factory_of(opening: Call, session: Session) -> Expr:
    """The expression that names the factory: `factory` of `factory()` and of `factory.begin()`."""
    return opening.func.value if session.begun and isinstance(opening.func, Attribute) else opening.func


def swap(context: Context, life: Life, helper: Helper, replaced: Expr, doubtful: str | None, session: Session) -> Fix:
    """The fix that enters the helper for a session's life; `doubtful` says why it is not safe."""
    bound = bind_instead(context, helper, replaced)
    if life.item is not None:
        edits = swap_edits.entered(context, life, bound.expression, begun=session.begun)
    else:
        edits = swap_edits.assigned(context, life, bound.expression)
    title = f"Open the session with `{bound.expression}()`"
    doubtful = doubtful or _left_bare(context, life)
    if doubtful is None:
        return context.fix("safe", title, [*edits, *bound.edits])
    return context.fix("unsafe", f"{title}: {doubtful}", [*edits, *bound.edits])


def _left_bare(context: Context, life: Life) -> str | None:
    """Which handler of a task would no longer stand round the opening of its session: SUP404 would ask for another."""
    around = [handler for handler in broad_handlers(life.opening) if not handler.contains(life.opening)]
    lost = [handler for handler in around if life.holds(handler)]
    if not lost or len(lost) < len(around) or "SUP404" not in Selection(context.view.settings).codes:
        return None
    for task, shape in context.view.tasks_with_handlers:
        if task.node is life.function and not task.guarded and all(map(shape.outer_handlers, shape.guarded_openings)):
            return f"the handler in line {lost[0].span.line} would not see the session itself fail any more (SUP404)"
    return None
