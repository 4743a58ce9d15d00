"""Reading a row again in a failure handler, by the statement with which the task has got it."""

from __future__ import annotations

from dataclasses import dataclass, field

from supavisor_lint.facts.file import scope_of
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import Assign
from supavisor_lint.facts.tree import Attribute, Await, Call, Expr, Name
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.reach import Reach, may_be_row, reads
from supavisor_lint.rewrites.snippets import snippet

_READS = frozenset({"get", "get_one", "execute", "scalar", "scalars"})
_RESULTS = frozenset({"scalar", "scalar_one", "scalar_one_or_none", "scalars", "one", "one_or_none", "first", "unique"})
_MAY_BE_NONE = frozenset({"get", "scalar", "scalar_one_or_none", "one_or_none", "first"})
_MOST_STEPS = 4


@dataclass(slots=True)
class Read:
    """The lines that read a row, the imports that they need, and whether there may be no such row."""

    lines: list[str] = field(default_factory=list)
    imports: tuple[str, ...] = ()
    may_be_none: bool = False


def statements_that_bind(context: Context, reach: Reach, session: str, name: Name) -> Read:
    """The statements by which a task has got the object `name`, if nothing but plain values goes in. Raises NoFix."""
    found = Read()
    _bind(context, reach, session, name, found, 0)
    return found


def _bind(context: Context, reach: Reach, session: str, name: Name, found: Read, depth: int) -> None:
    statement = _binding_of(reach, name)
    if statement is None or statement.value is None or depth >= _MOST_STEPS:
        raise _no_way(name)
    _require_read(context, session, name, statement.value)
    if not depth:
        found.may_be_none = _may_be_none(context, statement.value)
    for read in reads(statement.value):
        if read.id == session or reach.has(read, statement.value):
            if read.id != session and may_be_row(context.ev, context.file, reach.function, read):
                raise _no_way(read)
            continue
        line = reach.import_of(read)
        if line is not None:
            found.imports = tuple(dict.fromkeys((*found.imports, line)))
        else:
            _bind(context, reach, session, read, found, depth + 1)
    found.lines += snippet(context, statement)


def _no_way(name: Name) -> NoFix:
    return NoFix(
        f"`{name.id}` cannot be read again in a handler by the statement that it comes from: name the statement that "
        "records a failure with the setting `template.failure-update`"
    )


def _binding_of(reach: Reach, name: Name) -> Assign | None:
    """The nearest plain assignment before a use of the name."""
    if scope_of(name).lookup(name.id) is not reach.function.scope:
        return None
    assigned = [
        b.node.parent if not isinstance(b.node, Assign) else b.node
        for b in reach.function.scope.bindings[name.id]
        if isinstance(b, Assigned) and b.index is None and b.node.order < name.order
    ]
    plain = [s for s in assigned if isinstance(s, Assign) and len(s.targets) == 1 and not s.augmented]
    return max(plain, key=lambda s: s.order, default=None)


def _require_read(context: Context, session: str, name: Name, value: Expr) -> None:
    """Raise NoFix unless a value comes from a read on the session, or is taken out of the result of one."""
    if isinstance(value, Await):
        call = value.value
        if isinstance(call, Call) and (_is_read(call, session) or _reads_through(context, session, call)):
            return
    elif isinstance(value, Call) and isinstance(value.func, Attribute):
        if value.func.attr in _RESULTS and isinstance(value.func.value, Name):
            return
        if value.func.attr in _RESULTS:
            _require_read(context, session, name, value.func.value)
            return
        if _is_statement(value):
            return
    raise _no_way(name)


def _is_read(call: Call, session: str) -> bool:
    func = call.func
    if not isinstance(func, Attribute) or not isinstance(func.value, Name) or func.value.id != session:
        return False
    if func.attr in ("get", "get_one"):
        return True
    statement = call.argument(0)
    return func.attr in _READS and (isinstance(statement, Name) or _is_statement(statement))


def _is_statement(expr: Expr | None) -> bool:
    """`select(…).where(…)`."""
    while isinstance(expr, Call) and isinstance(expr.func, Attribute) and isinstance(expr.func.value, Call):
        expr = expr.func.value
    return isinstance(expr, Call) and last_name(expr.func) == "select"


def _reads_through(context: Context, session: str, call: Call) -> bool:
    """`await get_job(session, job_id)`: a function of the project that leaves the transaction alone."""
    if not last_name(call.func).lstrip("_").startswith(("get", "load", "fetch", "find", "read", "select")):
        return False
    for callee in functions_called(context.ev, context.file, call)[:1]:
        given = bind_arguments(callee, call.args)
        names = [n for n, e in given.items() if isinstance(e, Name) and e.id == session]
        effects = [context.view.flow.effects(callee, n) for n in names]
        return bool(effects) and all(e.begin is None and e.commit is None and e.close is None for e in effects)
    return False


def _may_be_none(context: Context, value: Expr) -> bool:
    call = value.value if isinstance(value, Await) else value
    if not isinstance(call, Call):
        return True
    known = last_name(call.func) in _READS | _RESULTS
    return not known or last_name(call.func) in _MAY_BE_NONE
