"""Where a session gets to besides its own statements (conditions 4 and 7 of section 10): then its end is not theirs."""

from __future__ import annotations

from supavisor_lint.facts.file import scope_of
from supavisor_lint.facts.handlers import own_nodes
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import Assign, Delete, FunctionDef, If, Return, Simple, While, WithItem
from supavisor_lint.facts.tree import (
    Argument,
    Attribute,
    Await,
    BoolOp,
    Call,
    Comprehension,
    IfExp,
    Lambda,
    Name,
    Other,
    Yield,
)
from supavisor_lint.flow.run_sync import HARMLESS_ATTRIBUTES
from supavisor_lint.project.values import Coroutine
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.session_life import Life, bindings_of, binds_anew, loop_around, reads_of
from supavisor_lint.rewrites.session_names import KEEPS, look_at_all_names

_STARTS_TASKS = frozenset(
    {"create_task", "ensure_future", "gather", "add_task", "run_coroutine_threadsafe", "start_soon", "shield", "wait"}
)
_AT_ONCE = frozenset(
    {"add", "add_all", "expunge", "expunge_all", "expire", "expire_all", "begin", "begin_nested", "in_transaction"}
    | {"in_nested_transaction", "is_modified", "get_bind", "object_session", "identity_key", "get_transaction"}
)


def refuse_escape(context: Context, life: Life) -> None:
    """Raise NoFix where a session is used outside its statements, or where others may keep it."""
    for binding in bindings_of(life.function, life.name):
        if isinstance(binding.parent, Delete):
            raise NoFix(f"line {binding.span.line} deletes the session's name")
        if life.holds(binding) and not _is_opening(life, binding):
            raise NoFix(f"line {binding.span.line} gives the session's name to something else")
    for node in own_nodes(life.statements):
        if (look := look_at_all_names(node)) is not None:
            raise NoFix(f"`{look}()` in line {node.span.line} may hand the session on")
    for read in reads_of(context, life.function, life.name):
        where = f"line {read.span.line}"
        if not life.holds(read):
            if _may_mean(life, read):
                raise NoFix(f"the session is used outside of the statements that it is opened for ({where})")
            continue
        fault = _fault(context, life, read)
        if fault is not None:
            raise NoFix(f"{fault} ({where})")


def _is_opening(life: Life, binding: Node) -> bool:
    return binding.parent is life.opening.parent or binding is life.opening.parent


def _may_mean(life: Life, read: Name) -> bool:
    """Whether a read outside of the session's statements may still mean it: nothing else has bound the name before."""
    if read.order < life.opening.order and not loop_around(life.opening, read):
        return False
    others = [b for b in bindings_of(life.function, life.name) if not _is_opening(life, b)]
    return not any(binds_anew(other, life.opening, read) for other in others)


def _fault(context: Context, life: Life, read: Name) -> str | None:
    captured = _captured_by(life, read)
    if captured is not None:
        return f"{captured} uses the session"
    parent = read.parent
    if isinstance(parent, Attribute):
        return _fault_of_attribute(parent)
    if isinstance(parent, Argument):
        return _fault_of_argument(context, parent)
    if isinstance(parent, Return | Yield):
        return "the session leaves the function"
    if isinstance(parent, Assign):
        return "the session gets another name"
    if isinstance(parent, WithItem | If | While | Other | IfExp | Simple):
        return None
    if isinstance(parent, BoolOp) and isinstance(parent.parent, If | While | Other | IfExp):
        return None
    return "the session is put somewhere else"


def _captured_by(life: Life, read: Name) -> str | None:
    """What in the function may use its session at a time of its own; None if nothing stands between the two."""
    scope = scope_of(read)
    while scope is not life.function.scope and scope.parent is not None:
        if scope.kind != "comprehension":
            return "a lambda" if isinstance(scope.node, Lambda) else "a nested function"
        if isinstance(scope.node, Comprehension) and scope.node.kind not in ("list", "set", "dict"):
            return "a generator expression"
        scope = scope.parent
    return None


def _fault_of_attribute(attribute: Attribute) -> str | None:
    call = attribute.parent
    if not isinstance(call, Call) or call.func is not attribute:
        return None if attribute.attr in HARMLESS_ATTRIBUTES else f"`{attribute.attr}` of the session is handed on"
    if attribute.attr in _AT_ONCE or isinstance(call.parent, Await):
        return None
    holder = call.parent.parent if isinstance(call.parent, Argument) else None
    if isinstance(holder, Call) and isinstance(holder.parent, Await) and attribute.attr not in ("commit", "close"):
        return None if last_name(holder.func) == "wait_for" else "an operation of the session runs by itself"
    if attribute.attr in ("stream", "stream_scalars", "no_autoflush"):
        return None
    return f"`{attribute.attr}()` is not awaited on the spot"


def _fault_of_argument(context: Context, argument: Argument) -> str | None:
    call = argument.parent
    if not isinstance(call, Call):
        return "the session is put somewhere else"
    name = last_name(call.func)
    if name in _STARTS_TASKS or call in context.view.follower.registrations:
        return "the session is given to a task"
    if name in KEEPS or name == "setattr":
        return "the session is kept in a container or attribute"
    if isinstance(call.parent, Await):
        return None
    if any(isinstance(value, Coroutine) for value in context.ev.values(context.file, call)):
        return None if _is_waited_for(call) else "the session is given to a coroutine that is not awaited on the spot"
    outer = call.parent.parent if isinstance(call.parent, Argument) else None
    if isinstance(outer, Call) and last_name(outer.func) in _STARTS_TASKS:
        return "the session is given to a task"
    if isinstance(call.parent, Return) and not isinstance(call.parent, FunctionDef):
        return "what gets the session leaves the function"
    return None


def _is_waited_for(call: Call) -> bool:
    outer = call.parent.parent if isinstance(call.parent, Argument) else None
    return isinstance(outer, Call) and last_name(outer.func) == "wait_for" and isinstance(outer.parent, Await)
