"""Whether a statement that a failure handler repeats still means the rows that the task worked on.

By then the task has changed rows, and committed: `where(Job.status == "open").limit(1)` finds the next job, which has
done nothing wrong. What the task cannot have changed finds the same row: the primary key, or a unique column.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import FileFacts, scope_of, walk
from supavisor_lint.facts.handlers import own_nodes
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import Assign, FunctionDef, Try, With
from supavisor_lint.facts.tree import Attribute, Await, Call, Expr, Name
from supavisor_lint.project.calls import functions_called
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.changed_columns import ANY, changed_columns
from supavisor_lint.rewrites.row_conditions import AnotherRow, Conditions, chain_of, is_statement, require_steady
from supavisor_lint.rewrites.row_keys import key_columns

READS = frozenset({"execute", "scalar", "scalars"})
BY_KEY = frozenset({"get", "get_one"})
RESULTS = frozenset({"scalar", "scalar_one", "scalar_one_or_none", "scalars", "one", "one_or_none", "first", "unique"})
_ONLY_ONE = frozenset({"scalar_one", "scalar_one_or_none", "one", "one_or_none"})
_OF_MANY = frozenset({"order_by", "limit"})
_MOST_STEPS = 4


_ADVICE = "name the statement that records a failure with the setting `template.failure-update`"


class NotAgain(NoFix):
    """There is no fix since what the task does cannot be repeated in a handler."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what} in a handler, {why}: {_ADVICE}")


class Repeated:
    """What a handler of a task may repeat."""

    def __init__(self, context: Context, task: FunctionDef) -> None:
        self._context = context
        self._changed = changed_columns(own_nodes(task.body))
        self._task = task

    def require_same_row(self, name: str, value: Expr) -> None:
        """Raise NotAgain unless the value of a variable, read again, is surely the same row."""
        try:
            self._same_row(self._context.file, value, only_one=False, depth=0)
        except AnotherRow as other:
            line = value.span.line
            raise NotAgain(f"`{name}`, read in line {line}, cannot be read again", f"since {other.why}") from None

    def require_same_rows(self, statement: Call) -> None:
        """Raise NotAgain unless an `update(…)` changes the same rows again."""
        try:
            self._statement(self._context.file, statement, many=True)
        except AnotherRow as other:
            line = statement.span.line
            raise NotAgain(f"the update in line {line} cannot be repeated", f"since {other.why}") from None

    def require_same_argument(self, function: str, value: Expr) -> None:
        """Raise NotAgain where an argument of a function may be another value the second time."""
        try:
            require_steady(value, self._changed)
        except AnotherRow:
            why = "since what it is given may be another value then"
            raise NotAgain(f"`{function}` cannot be called again", why) from None

    # ------------------------------------------------------------------------------------------------------ reads

    def _same_row(self, file: FileFacts, value: Expr, *, only_one: bool, depth: int) -> None:
        call = value.value if isinstance(value, Await) else value
        if depth > _MOST_STEPS or not isinstance(call, Call):
            raise AnotherRow("how it is found is not understood")
        method = call.func.attr if isinstance(call.func, Attribute) else ""
        if is_statement(call):
            self._statement(file, call, only_one=only_one)
        elif method in BY_KEY and len(call.args) > 1:
            for argument in call.args[1:]:
                require_steady(argument.value, self._changed)
        elif method in READS and _carried(call.argument(0)) is not None:
            self._same_row(file, _carried(call.argument(0)) or call, only_one=only_one, depth=depth + 1)
        elif method in RESULTS and isinstance(call.func, Attribute) and _carried(call.func.value) is not None:
            only = only_one or method in _ONLY_ONE
            self._same_row(file, _carried(call.func.value) or call, only_one=only, depth=depth + 1)
        else:
            self._through_function(file, call, depth)

    def _through_function(self, file: FileFacts, call: Call, depth: int) -> None:
        """`await get_job(session, job_id)`: all that the function reads is to be the same again."""
        for argument in call.args:
            require_steady(argument.value, self._changed)
        callee = next(iter(functions_called(self._context.ev, file, call)), None)
        if callee is None:
            raise AnotherRow("how it is found is not understood")
        reads = list(_reads_in(callee.node))
        if not reads:
            raise AnotherRow(f"how `{callee.node.name}` finds it is not understood")
        for read in reads:
            self._same_row(callee.file, read, only_one=False, depth=depth + 1)

    # -------------------------------------------------------------------------------------------- statements

    def _statement(self, file: FileFacts, statement: Call, *, only_one: bool = False, many: bool = False) -> None:
        bottom, links = chain_of(statement)
        model = bottom.argument(0)
        if isinstance(model, Attribute) and not model.attr[:1].isupper():
            model = model.value  # `select(Job.id)`
        if not isinstance(model, Name | Attribute):
            raise AnotherRow("what it is selected from is not understood")
        found = Conditions(model, self._changed)
        for link in links:
            found.read(link)
        keys = key_columns(self._context.ev, file, model, found.equal)
        self._require_unchanged(file, found.columns - keys)
        picked = next((last_name(link.func) for link in links if last_name(link.func) in _OF_MANY), None)
        if keys or (many and picked is None):
            return
        if picked is not None:
            raise AnotherRow(f"`{picked}` picks it out of several, another one the second time")
        if not only_one:
            raise AnotherRow(f"nothing says that it is the only `{last_name(model)}` that fits: find it by its key")

    def _require_unchanged(self, file: FileFacts, columns: set[str]) -> None:
        """Raise AnotherRow where the task, or code near it, changes one of some columns that are no keys."""
        if not columns:
            return
        changed = changed_columns(walk(file.module)) | changed_columns(walk(self._context.file.module))
        for call in (node for node in own_nodes(self._task.body) if isinstance(node, Call)):
            for callee in functions_called(self._context.ev, self._context.file, call):
                changed |= changed_columns(own_nodes(callee.node.body))
        for column in sorted(columns):
            if column in changed or ANY in changed or column.endswith(("status", "state")):
                raise AnotherRow(f"the statement goes by `{column}`, which the task may have changed")


def nearest_assignment(name: Name) -> Assign | None:
    """The nearest plain assignment to a variable before a use of it, if it surely runs before it."""
    owner = scope_of(name).lookup(name.id)
    bindings = owner.bindings[name.id] if owner is not None else []
    assigned = [
        b.node if isinstance(b.node, Assign) else b.node.parent
        for b in bindings
        if isinstance(b, Assigned) and b.index is None and b.node.order < name.order
    ]
    plain = [s for s in assigned if isinstance(s, Assign) and len(s.targets) == 1 and not s.augmented]
    nearest = max(plain, key=lambda s: s.order, default=None)
    return nearest if nearest is not None and _runs_before(nearest, name) else None


def _runs_before(statement: Assign, use: Name) -> bool:
    """Whether a statement stands in no branch and no loop that the use is not in as well."""
    holder = statement.parent
    while holder is not None and not holder.contains(use):
        if not isinstance(holder, With | Try):
            return False
        holder = holder.parent
    return holder is not None


def _carried(expr: Expr | None) -> Expr | None:
    """What an expression stands for: the value of a variable that is assigned before it, else itself."""
    if not isinstance(expr, Name):
        return expr
    statement = nearest_assignment(expr)
    return statement.value if statement is not None else None


def _reads_in(function: FunctionDef) -> Iterator[Expr]:
    """The reads of a function, with what is taken out of their results at once."""
    for node in own_nodes(function.body):
        if isinstance(node, Call) and isinstance(node.func, Attribute):
            if node.func.attr in BY_KEY and len(node.args) > 1 and last_name(node.args[0].value)[:1].isupper():
                yield node
            elif node.func.attr in READS and is_statement(_carried(node.argument(0))):
                yield _whole(node)


def _whole(call: Call) -> Expr:
    """`(await session.execute(select(…))).scalar_one()` from the `execute(…)` in it."""
    node: Expr = call
    while True:
        around = node.parent
        if isinstance(around, Await):
            node = around
        elif isinstance(around, Attribute) and around.attr in RESULTS and isinstance(around.parent, Call):
            node = around.parent
        else:
            return node
