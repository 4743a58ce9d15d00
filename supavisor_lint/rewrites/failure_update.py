"""The statement that records a failure: from the settings, or from the task's own completed status."""

from __future__ import annotations

from dataclasses import dataclass, replace

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import Assign, ExprStmt, FunctionDef
from supavisor_lint.facts.tree import Argument, Attribute, Await, Call, DictItem, Expr, Generator, Name
from supavisor_lint.findings import Edit
from supavisor_lint.flow.shape import TaskShape
from supavisor_lint.flow.status import StatusWrite
from supavisor_lint.rewrites.base import Context, NoFix, first_that_works
from supavisor_lint.rewrites.failed_status import COMPLETED, failed_value, status_name
from supavisor_lint.rewrites.failure_setting import BrokenSetting, from_settings, refuse_missing_modules
from supavisor_lint.rewrites.log_text import Update
from supavisor_lint.rewrites.reach import Reach, may_be_row, reads
from supavisor_lint.rewrites.reread import statements_that_bind
from supavisor_lint.rewrites.row_conditions import chain_of
from supavisor_lint.rewrites.same_row import NotAgain, Repeated
from supavisor_lint.rewrites.snippets import arguments, snippet
from supavisor_lint.rewrites.status_call import through_function
from supavisor_lint.sources.failure_statement import is_code

_NARROWING = frozenset({"where", "filter", "filter_by"})


@dataclass(frozen=True, slots=True)
class Site:
    """Where a failure is to be recorded: the task, the handler's reach, and the name of the session there."""

    context: Context
    shape: TaskShape
    reach: Reach
    session: str

    @property
    def function(self) -> FunctionDef:
        """The task."""
        return self.shape.function


def failure_update(site: Site) -> Update:
    """How a failure of a task is recorded at some place. Raises NoFix where nothing tells."""
    settings = site.context.view.settings.template
    refused = None
    if settings.failure_update is not None:
        try:
            update = from_settings(site.function, site.session, settings.failure_update, settings.failure_import)
            refuse_missing_modules(site.context, settings.failure_import)
            return update
        except BrokenSetting:
            raise
        except NoFix as none:
            refused = none
    try:
        return _from_completed(site)
    except NoFix as none:
        raise refused or none from None


# --------------------------------------------------------------------------------------- from the completed status


def _from_completed(site: Site) -> Update:
    """The last status write that says "completed" tells, or else the last one from which a failed one can be made.

    Those that the handler covers, if there are any: the others may be about something else.
    """
    writes = [write for write in reversed(site.shape.status_writes) if not write.failed]
    writes = [write for write in writes if site.reach.covers(write.node)] or writes
    writes.sort(key=lambda write: COMPLETED.search(write.value) is None)
    if not writes:
        raise NoFix("the task writes no status from which the failed one could be taken")
    try:
        return _checked(site, _from_write(site, writes[0]))
    except NotAgain:  # what else the task writes may well be about another row, which has nothing to do with it
        writes = [write for write in writes if _subject(site, write) == _subject(site, writes[0])]
    except NoFix:
        pass
    return first_that_works(lambda write: _checked(site, _from_write(site, write)), writes)


def _subject(site: Site, write: StatusWrite) -> str:
    """What a status write is about, as the code has it: `job` of `job.status = …`, `Job` of `update(Job)…`."""
    node: Node = write.node
    if isinstance(node, Attribute):
        node = node.value
    elif isinstance(node, Call):
        node = chain_of(node)[0]
    return site.context.source.at(node.span)


def _from_write(site: Site, write: StatusWrite) -> Update:
    if isinstance(write.node, Attribute):
        return _by_attribute(site, write, write.node)
    if isinstance(write.node, Call) and last_name(write.node.func) == "values":
        return _by_update(site, write, write.node)
    if isinstance(write.node, Call) and last_name(write.node.func) not in ("text", "setattr"):
        return through_function(site.context, site.reach, site.session, write.node, write.expr)
    raise _not_understood(site, write)


def _not_understood(site: Site, write: StatusWrite) -> NoFix:
    return NoFix(
        f"the status write in line {write.node.span.line} has a form that is not taken over: name the statement that "
        "records a failure with the setting `template.failure-update`"
    )


def _by_attribute(site: Site, write: StatusWrite, target: Attribute) -> Update:
    """`job.status = DONE`: the row is read again, since a rollback expires it, and gets the failed status."""
    if not isinstance(target.value, Name) or write.expr is None:
        raise _not_understood(site, write)
    value = failed_value(site.context, write.expr, target.attr)
    read = statements_that_bind(site.context, site.reach, site.session, target.value)
    assignment = f"{target.value.id}.{target.attr} = {value}"
    if not read.may_be_none:
        return Update(site.session, (*read.lines, assignment), read.imports)
    unit = site.context.source.unit_of(site.function.body[0])
    lines = (*read.lines, f"if {target.value.id} is not None:", unit + assignment)
    return Update(site.session, lines, read.imports)


def _by_update(site: Site, write: StatusWrite, values: Call) -> Update:
    """`execute(update(…).values(status=DONE, …))`: the same with the failed status alone."""
    context = site.context
    if write.expr is None:
        raise _not_understood(site, write)
    statement = _whole_chain(values)
    if last_name(chain_of(statement)[0].func) != "update" or any(a.star for a in values.args):
        raise _not_understood(site, write)
    if _NARROWING.isdisjoint(last_name(link.func) for link in chain_of(statement)[1]):
        raise NoFix(
            f"the update in line {statement.span.line} has no `where()`, and in a handler it would fail every row: "
            "name the statement that records a failure with the setting `template.failure-update`"
        )
    Repeated(context, site.function).require_same_rows(statement)
    name = status_name(write.node, write.expr)
    value = failed_value(context, write.expr, name)
    edit = Edit(arguments(context, values), _status_argument(context, write.expr, value))
    executed, carrier = _executed(statement)
    if executed is None or not isinstance(executed.func, Attribute) or not _is_session(site, executed):
        raise _not_understood(site, write)
    lines = [] if carrier is None else snippet(context, carrier, [edit])
    awaited = executed.parent if isinstance(executed.parent, Await) else executed
    lines += snippet(context, awaited, [edit] if carrier is None else [])
    ignored = {id(node) for arg in values.args for node in reads(arg.value)}
    needed = [n for n in (*reads(statement), *reads(executed)) if id(n) not in ignored]
    if carrier is not None:
        needed = [n for n in needed if n.id not in {t.id for t in carrier.targets if isinstance(t, Name)}]
    return _needing(site, Update(site.session, tuple(lines)), needed, write.expr)


def _status_argument(context: Context, expr: Expr, value: str) -> str:
    parent = expr.parent
    keyword = getattr(parent, "keyword", None)
    if keyword is not None:
        return f"{keyword}={value}"
    key = getattr(parent, "key", None)
    return f"{{{context.source.at(key.span)}: {value}}}" if key is not None else value


def _whole_chain(call: Call) -> Call:
    """`update(…).where(…).values(…).execution_options(…)` from any link of it."""
    while isinstance(call.parent, Attribute) and isinstance(call.parent.parent, Call):
        if call.parent.parent.func is not call.parent:
            break
        call = call.parent.parent
    return call


def _executed(statement: Call) -> tuple[Call | None, Assign | None]:
    """The `execute(…)` of a statement, and the assignment that carries it there if it is not written into it."""
    around = statement.parent
    if around is not None and isinstance(around.parent, Call) and around.parent.func is not statement:
        return around.parent, None
    if isinstance(around, Assign) and len(around.targets) == 1 and isinstance(around.targets[0], Name):
        return _use_of(around, around.targets[0].id), around
    return None, None


def _use_of(assign: Assign, name: str) -> Call | None:
    """The next statement's `execute(name)`."""
    block = getattr(assign.parent, "body", ())
    following = [s for s in block if s.order > assign.order][:1]
    for statement in following:
        value = statement.value if isinstance(statement, ExprStmt | Assign) else None
        call = value.value if isinstance(value, Await) else None
        if (
            isinstance(call, Call)
            and isinstance(call.argument(0), Name)
            and getattr(call.argument(0), "id", "") == name
        ):
            return call
    return None


def _is_session(site: Site, call: Call) -> bool:
    func = call.func
    return (
        isinstance(func, Attribute)
        and isinstance(func.value, Name)
        and func.value.id == site.session
        and isinstance(call.parent, Await)
    )


# ------------------------------------------------------------------------------------------------- names and values


def _needing(site: Site, update: Update, needed: list[Name], value: Expr) -> Update:
    """The update with the imports that its names need; raises NoFix where a name may not be bound."""
    imports = list(update.imports)
    for name in [*needed, *reads(value)]:
        if name.id != site.session and not site.reach.has(name, _outermost(name)):
            line = site.reach.import_of(name)
            if line is None:
                raise NoFix(
                    f"the failed status needs `{name.id}`, which may not be bound when the handler runs: name the "
                    "statement that records a failure with the setting `template.failure-update`"
                )
            imports.append(line)
        if name.id != site.session and may_be_row(site.context.ev, site.context.file, site.function, name):
            raise NoFix(
                f"`{name.id}.{getattr(name.parent, 'attr', '')}` cannot be read after a rollback if it is a row: name "
                "the statement that records a failure with the setting `template.failure-update`"
            )
    return replace(update, imports=tuple(dict.fromkeys(imports)))


def _outermost(node: Node) -> Node:
    while isinstance(node.parent, Expr | Argument | DictItem | Generator):
        node = node.parent
    return node


def _checked(site: Site, update: Update) -> Update:
    """An update whose lines are code; anything else was cut out in the wrong place."""
    if not is_code("\n".join(update.statements)):
        raise NoFix("the status write has an unusual form: name the setting `template.failure-update`")
    return update
