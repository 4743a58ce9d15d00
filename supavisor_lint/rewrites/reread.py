"""Reading a row again in a failure handler, by the statement with which the task has got it."""

from __future__ import annotations

from dataclasses import dataclass, field

from supavisor_lint.facts.file import scope_of
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import Assign
from supavisor_lint.facts.tree import Argument, Attribute, Await, Call, Expr, Name
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.reach import Reach, may_be_row, reads
from supavisor_lint.rewrites.row_conditions import is_statement
from supavisor_lint.rewrites.same_row import BY_KEY, READS, RESULTS, Repeated, nearest_assignment
from supavisor_lint.rewrites.snippets import snippet

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
    if not _is_passed_on(name):
        Repeated(context, reach.function).require_same_row(name.id, statement.value)
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
    """The nearest plain assignment before a use of the name, in the task itself."""
    return nearest_assignment(name) if scope_of(name).lookup(name.id) is reach.function.scope else None


def _is_passed_on(name: Name) -> bool:
    """Whether a name is a statement that is executed, or a result that something is taken out of: no row itself."""
    around = name.parent
    if isinstance(around, Argument):
        call = around.parent
        return isinstance(call, Call) and call.argument(0) is name and last_name(call.func) in READS
    return isinstance(around, Attribute) and around.attr in RESULTS and isinstance(around.parent, Call)


def _require_read(context: Context, session: str, name: Name, value: Expr) -> None:
    """Raise NoFix unless a value comes from a read on the session, or is taken out of the result of one."""
    if isinstance(value, Await):
        call = value.value
        if isinstance(call, Call) and (_is_read(call, session) or _reads_through(context, session, call)):
            return
    elif isinstance(value, Call) and isinstance(value.func, Attribute):
        if value.func.attr in RESULTS and isinstance(value.func.value, Name):
            return
        if value.func.attr in RESULTS:
            _require_read(context, session, name, value.func.value)
            return
        if is_statement(value):
            return
    raise _no_way(name)


def _is_read(call: Call, session: str) -> bool:
    func = call.func
    if not isinstance(func, Attribute) or not isinstance(func.value, Name) or func.value.id != session:
        return False
    if func.attr in BY_KEY:
        return True
    statement = call.argument(0)
    return func.attr in READS and (isinstance(statement, Name) or is_statement(statement))


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
    known = last_name(call.func) in BY_KEY | READS | RESULTS
    return not known or last_name(call.func) in _MAY_BE_NONE
