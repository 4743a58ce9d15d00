"""SUP201: a task that works on somebody else's session opens one of its own. Unsafe: it sees other things."""

from __future__ import annotations

from collections.abc import Sequence

from supavisor_lint.facts.file import enclosing_function, walk, walk_own
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Scope, node_of
from supavisor_lint.facts.statements import ExprStmt, FunctionDef
from supavisor_lint.facts.tree import Attribute, Await, Call, Name, Stmt
from supavisor_lint.findings import Edit, Finding, Fix
from supavisor_lint.flow.operations import Operation, is_own
from supavisor_lint.flow.session_keys import SessionKey, session_key
from supavisor_lint.flow.shape import TaskShape
from supavisor_lint.project.calls import functions_called
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.handlers import how_it_ends, put_in_try
from supavisor_lint.rewrites.helpers import helper_for, require_its_part
from supavisor_lint.rewrites.imports import bind
from supavisor_lint.rewrites.log_text import handler
from supavisor_lint.rewrites.logs import logger_of
from supavisor_lint.rewrites.task_parts import task_at

_NAMES = ("session", "own_session", "task_session")


def propose(context: Context, finding: Finding) -> Fix:
    """The task's work in the block of a session of its own, in one transaction, with a handler that logs."""
    function = context.node(finding, FunctionDef)
    task, shape = task_at(context, function)
    key, operations = _foreign(shape)
    uses = _uses(context, function, key)
    _refuse_callees(context, function, key)
    if shape.status_writes:
        raise NoFix("the task writes a status: which phases it has on a session of its own is for its author to say")
    run, commit = _run(function, uses, operations)
    name = _free_name(function, key)
    helper = helper_for(context, None)
    require_its_part(context, helper)
    bound = bind(context, helper, function)
    logger = logger_of(context, function)
    begins = any(operation.kind == "begin" for operation in operations)
    header = f"async with {bound.expression}() as {name}" + ("" if begins else f", {name}.begin()")
    ending = how_it_ends(commit or run[-1], awaited=task.guarded)
    lines = handler([logger.logs.failed, *ending], context.source.unit_of(run[0]))
    edits = [
        *bound.edits,
        *put_in_try(context, run, lines, f"{header}:"),
        *(Edit(use.span, name) for use in uses if commit is None or not commit.contains(use)),
        *(context.remove(commit) if commit is not None else ()),
        *logger.edits,
    ]
    return Context.fix("unsafe", f"Open a session of its own in `{function.name}`", edits)


def _foreign(shape: TaskShape) -> tuple[SessionKey, list[Operation]]:
    """The one session of others that a task works on, and what it does with it. Raises NoFix."""
    foreign = [
        operation
        for operation in shape.operations
        if operation.key.scope is not shape.function.scope and not is_own(operation, shape.function)
    ]
    if not foreign:
        raise NoFix("the callers hand the task their session: take the parameter away, and open a session in the task")
    if len({operation.key for operation in foreign}) > 1 or len(foreign) < len(shape.operations):
        raise NoFix("the task works on several sessions")
    return foreign[0].key, foreign


# ----------------------------------------------------------------------------------------------------------- its uses


def _uses(context: Context, function: FunctionDef, key: SessionKey) -> list[Name | Attribute]:
    """Every mention of the session in the task: each must be a method called on it, there and then. Raises NoFix."""
    own = {id(node) for statement in function.body for node in walk_own(statement)}
    found = [n for n in walk(function) if isinstance(n, Name | Attribute) and session_key(n) == key]
    for use in found:
        called = use.parent
        is_call = isinstance(called, Attribute) and isinstance(called.parent, Call) and called.parent.func is called
        if not is_call or id(use) not in own or enclosing_function(use) is not function:
            raise NoFix(f"`{key.text}` is used in line {use.span.line} in a way that is not followed")
        if context.source.at(use.span) != key.text:
            raise NoFix(f"the session has a second name in line {use.span.line}")
    return found


def _refuse_callees(context: Context, function: FunctionDef, key: SessionKey) -> None:
    """Raise NoFix where a called function works on the same session: it would be another one then."""
    for node in walk(function):
        if isinstance(node, Call):
            for callee in functions_called(context.ev, context.file, node):
                operations = context.view.flow.operations(callee.file, callee.node)
                if any(_is_same(operation.key, key) for operation in operations):
                    raise NoFix(f"`{callee.node.name}`, which the task calls, works on `{key.text}` as well")


def _is_same(one: SessionKey, other: SessionKey) -> bool:
    return one.text == other.text and (one.scope is other.scope or "." in one.text)


# ------------------------------------------------------------------------------------------------------------ its work


def _run(
    function: FunctionDef, uses: Sequence[Name | Attribute], operations: Sequence[Operation]
) -> tuple[list[Stmt], Stmt | None]:
    """The statements that go into the session's block, and a commit behind them that its end makes needless."""
    body = list(function.body)
    at = [i for i, statement in enumerate(body) if any(statement.contains(use) for use in uses)]
    last = len(body) - 1 if _needed_later(function.scope, body, at[0], at[-1]) else at[-1]
    ends = [op for op in operations if op.kind in ("commit", "rollback", "close")]
    begins = any(op.kind == "begin" for op in operations)
    if begins and (ends or any(op.kind == "work" and op.block is None for op in operations)):
        raise NoFix("the task begins some transactions itself, but not all: part its phases first")
    if any(op.handler is not None for op in operations):
        raise NoFix("a handler works on the session as well")
    if not ends:
        return body[at[0] : last + 1], None
    commit = body[at[-1]]
    if len(ends) > 1 or ends[0].kind != "commit" or not _is_call(commit, ends[0].node) or at[0] == at[-1]:
        raise NoFix("the task commits, rolls back or closes by hand: part its phases first")
    if last > at[-1]:
        raise NoFix("what the task has read is used behind its commit")
    return body[at[0] : at[-1]], commit


def _is_call(statement: Stmt, call: Node) -> bool:
    value = statement.value if isinstance(statement, ExprStmt) else None
    return isinstance(value, Await) and value.value is call


def _needed_later(scope: Scope, body: Sequence[Stmt], first: int, last: int) -> bool:
    """Whether names that the run binds are read behind it: rows may be among them, which its end expires."""
    run = body[first : last + 1]
    read = {node.id for statement in body[last + 1 :] for node in walk(statement) if isinstance(node, Name)}
    return any(_binds(scope, name, run) for name in read)


def _binds(scope: Scope, name: str, run: Sequence[Stmt]) -> bool:
    nodes = [node_of(binding) for binding in scope.bindings.get(name, ())]
    return any(statement.contains(node) for node in nodes for statement in run)


def _free_name(function: FunctionDef, key: SessionKey) -> str:
    """A name for the session that means nothing else in the task."""
    read = {node.id for node in walk(function) if isinstance(node, Name)}
    if key.text in _NAMES and key.text not in function.scope.bindings:
        return key.text
    free = next((n for n in _NAMES if n not in function.scope.bindings and n not in read), None)
    if free is None:
        raise NoFix("no name is left for the session")
    return free
