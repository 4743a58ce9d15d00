"""SUP301 and SUP304: each phase of a task gets its own `async with session.begin():` (section 10, R1).

Every run of statements up to a commit becomes one block; the commit goes, and its comments stay. The handlers stay as
they are, their `rollback()` included. One session is rewritten as a whole, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from supavisor_lint.facts.file import enclosing_function, walk
from supavisor_lint.facts.spelling import dotted
from supavisor_lint.facts.statements import ClassDef, FunctionDef, With
from supavisor_lint.facts.tree import Attribute, Call, Expr, Name
from supavisor_lint.findings import Edit, Finding, Fix
from supavisor_lint.flow.shape import Opening, is_aftermath
from supavisor_lint.project.values import ClassValue, FunctionValue, NamedHelper
from supavisor_lint.rewrites import helpers
from supavisor_lint.rewrites.base import Context, NoFix, kept_elsewhere
from supavisor_lint.rewrites.phase_effects import Effects
from supavisor_lint.rewrites.phase_handlers import HandlerCheck
from supavisor_lint.rewrites.phase_isolation import doubts_about_isolation
from supavisor_lint.rewrites.phase_plan import Phase, Planner
from supavisor_lint.rewrites.session_names import SessionNames, names_of_session
from supavisor_lint.rewrites.swap_safety import commit_hooks
from supavisor_lint.rules.missing_failure_handler import first_bare, is_covered

_CODES = ("SUP301", "SUP304")


def propose(context: Context, finding: Finding) -> Fix:
    """The rewrite of the session that a finding is about; the same for all findings of that session."""
    node = context.node(finding, Expr)
    function = enclosing_function(node)
    if function is None:
        raise NoFix("the code stands in no function")
    opening, block = _session_around(context, function, node)
    _require_helper(context, opening)
    names = names_of_session(context, function, opening.key.text)
    names.require_own_name()
    _require_one_session(names, opening, block)
    names.require_plain_use(block.body)
    effects = Effects(context, names)
    plan = Planner(effects, context.view.follower.openings.expires(opening.session)).cut(block.body)
    if not any(phase.holds(node) for phase in plan.phases):
        raise NoFix(f"line {node.span.line}: no run of statements up to a commit of their own holds this")
    context.refuse_suppressed((n for phase in plan.phases for n in _nodes(phase)), *_CODES)
    doubts = [*doubts_about_isolation(effects, opening.session, plan.phases), *_doubts_about_kept(names), *plan.doubts]
    hooks = commit_hooks(context)
    if hooks is not None and any(phase.commit is None for phase in plan.phases):
        doubts.append(f"{hooks} listens to commits, of which there would be more")
    for statement in plan.tries:
        doubts += HandlerCheck(effects).doubts(statement, plan.phases)
    _refuse_bare(context, function, opening, plan.phases)
    edits = [edit for phase in plan.phases for edit in _edits(context, opening.key.text, phase)]
    title = f"Give each phase its own `async with {opening.key.text}.begin():`"
    if doubts:
        return context.fix("unsafe", f"{title} ({doubts[0]})", edits)
    return context.fix("safe", title, edits)


# ----------------------------------------------------------------------------------------------------- the session


def _session_around(context: Context, function: FunctionDef, node: Expr) -> tuple[Opening, With]:
    """The opening whose `async with` holds a node: that of the node's own session, else the innermost one."""
    task = context.project.task_of(function)
    if task is None:
        raise NoFix(f"`{function.name}` is no background task itself: give the phase its block in the task")
    shape = context.view.shape(task)
    openings = shape.openings
    found = [(o, o.block) for o in openings if o.block is not None and any(s.contains(node) for s in o.block.body)]
    own = {operation.key for operation in shape.own_operations if operation.node is node}
    found = [pair for pair in found if pair[0].key in own] or found
    if found:
        opening, block = max(found, key=lambda pair: pair[1].order)
        entered = opening.item.context if opening.item is not None else None
        if isinstance(entered, Name | Attribute) and context.ev.session(context.file, entered) is not None:
            raise NoFix(f"line {block.span.line} enters a session that is open already, and closes it at its end")
        return opening, block
    kept_in = dotted(node.func.value) if isinstance(node, Call) and isinstance(node.func, Attribute) else ""
    if "." in kept_in:
        raise kept_elsewhere(kept_in)
    for opening in openings:
        _require_helper(context, opening)
    raise NoFix(
        "the session is not opened by an `async with` around this"
        if openings
        else "the session is not opened in this function itself"
    )


def _require_helper(context: Context, opening: Opening) -> None:
    """Raise NoFix unless the session comes from a helper that does its part."""
    helpers.require_a_helper(opening)
    session, definition = opening.session, opening.session.definition
    file = definition.file if isinstance(definition, FunctionValue | ClassValue) else None
    node: FunctionDef | ClassDef | None = None
    name = "helper"
    if isinstance(definition, FunctionValue | ClassValue):
        node, name = definition.node, definition.node.name
    elif isinstance(definition, NamedHelper):
        name = definition.name
    helpers.require_its_part(context, helpers.Helper(name, file, node, session), "see to that first")


def _doubts_about_kept(names: SessionNames) -> Iterator[str]:
    """Objects that others have: their changes between two blocks would begin a transaction that is in the way."""
    for place in sorted(names.kept, key=lambda node: node.order):
        yield f"line {place.span.line} keeps an object where other code may change it between two blocks"


def _require_one_session(names: SessionNames, opening: Opening, block: With) -> None:
    """Raise NoFix where the name of the session is bound again inside its block."""
    if names.function.is_generator:
        raise NoFix(f"`{names.function.name}` is a generator: its transaction would stay open between two values")
    for statement in block.body:
        for node in walk(statement):
            if node is not opening.node and isinstance(node, Name) and names.is_session(node) and _is_target(node):
                raise NoFix(f"line {node.span.line}: `{node.id}` is bound again inside its own block")


def _is_target(name: Name) -> bool:
    parent = name.parent
    targets = (getattr(parent, "target", None), *(getattr(parent, "targets", ()) or ()))
    return any(target is name for target in targets)


def _refuse_bare(context: Context, function: FunctionDef, opening: Opening, phases: Sequence[Phase]) -> None:
    """Raise NoFix where a block would hold the handler of its own phase, in a task that lacks none (SUP401)."""
    task = context.project.task_of(function)
    shape = next((shape for other, shape in context.view.tasks_with_handlers if other is task), None)
    if task is None or shape is None or first_bare(task, shape) is not None:
        return
    for phase in phases:
        first = phase.statements[0]
        if not is_aftermath(first) and not is_covered(task, shape, first, opening):
            line = min((h.span.line for h in shape.broad_handlers if phase.holds(h)), default=first.span.line)
            raise NoFix(
                f"the block would hold the handler in line {line}, which would not see its commit fail: "
                "write the block inside that `try`"
            )


# ------------------------------------------------------------------------------------------------------- the edits


def _nodes(phase: Phase) -> Iterator[Expr]:
    for statement in (*phase.statements, *((phase.commit,) if phase.commit is not None else ())):
        yield from (node for node in walk(statement) if isinstance(node, Expr))


def _edits(context: Context, session: str, phase: Phase) -> list[Edit]:
    header = f"async with {session}.begin():"
    return context.wrap(phase.statements, header, drop=phase.commit)
