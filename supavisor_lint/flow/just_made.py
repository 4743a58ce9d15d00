"""What a query cannot find: rows that would belong to an object that this very path has made.

No other row can name a key before there is one; but the path itself may have put such rows there.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import scope_of
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.tree import Attribute, Call, Expr, Name, Other
from supavisor_lint.flow.adding import added_variable
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.renaming import is_made_by_caller
from supavisor_lint.flow.sql import entity_of
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import ObjectRef, ResultRef
from supavisor_lint.flow.witnesses import is_witness

_KEYS = frozenset({"id", "pk", "uuid"})  # given by the database, or by a default of the column
_NARROWING = frozenset({"where", "filter"})
_JOINING = frozenset({"union", "union_all", "except_", "except_all", "intersect", "intersect_all"})


def finds_nothing(frame: Frame, state: State, result: ResultRef) -> bool:
    """Whether a query asks for rows that name the key of a new object, and nothing of that class was added since."""
    query = result.site
    if result.entity is None or not isinstance(query, Call) or not frame.text.contains(query):
        return False
    asked = query.argument(0, "statement")
    if isinstance(asked, Name):
        owner = scope_of(asked).lookup(asked.id)
        asked = owner.only_value(asked.id) if owner is not None else None
    if not any(_names_new(frame, state, condition) for condition in _conditions(asked)):
        return False
    return not any(
        known.entity in (None, result.entity) and any(c.kind in ("added", "new") for c in known.conditions)
        for known in state.objects.values()
        if known.session == result.session
    ) and not any(
        known.entity == result.entity and not is_witness(site) and site is not query
        for site, known in state.objects.items()
    )


def is_made(frame: Frame, site: Node) -> bool:
    """Whether an object (what gave it) was made by this path, with a key of its own: `session.add(job)` of `Job()`."""
    if not frame.text.contains(site):
        return is_made_by_caller(site)
    known = frame.follower.made
    if site not in known:
        known[site] = _is_new(frame, site)
    return known[site]


def _is_new(frame: Frame, site: Node) -> bool:
    if not isinstance(site, Call) or last_name(site.func) != "add" or not site.args:
        return False
    name = added_variable(site.args[0].value)
    owner = scope_of(name).lookup(name.id) if name is not None else None
    made = owner.only_value(name.id) if owner is not None and name is not None else None
    if not isinstance(made, Call) or entity_of(frame.ev, frame.file, made.func) is None:
        return False
    return not any(argument.star or argument.keyword in _KEYS for argument in made.args)


def _conditions(statement: Expr | None) -> Iterator[tuple[Expr, Expr]]:
    """The equations that every row of a statement fulfils."""
    while isinstance(statement, Call) and isinstance(statement.func, Attribute):
        method = statement.func.attr
        if method in _JOINING:
            return
        if method in _NARROWING:
            for argument in statement.args:
                match argument.value:
                    case Other((left, right), "=="):
                        yield left, right
                        yield right, left
        statement = statement.func.value


def _names_new(frame: Frame, state: State, equation: tuple[Expr, Expr]) -> bool:
    """Whether a column of other rows is compared with the key of a new object: `Step.job_id == job.id`."""
    column, key = equation
    if isinstance(key, Call) and last_name(key.func) in ("str", "UUID") and len(key.args) == 1:
        key = key.args[0].value
    match column, key:
        case Attribute(_, named), Attribute(Name(owner), attr) if attr in _KEYS and named not in _KEYS:
            value = state.value_of(owner)
            return isinstance(value, ObjectRef) and is_made(frame, value.site)
        case _:
            return False
