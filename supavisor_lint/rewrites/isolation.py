"""The isolation level of a session's engine: from REPEATABLE READ on, one transaction notices what others change.

PostgreSQL then refuses a write that follows from a read which another transaction has made untrue since (its manual,
13.2.2 and 13.2.3: "could not serialize access"). Of two transactions in the place of one it refuses none: the other's
change is overwritten.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from supavisor_lint.facts.file import FileFacts, walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned, Binding, NameImport
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.tree import Call, Constant, Dict
from supavisor_lint.project.data import Data, Plain, Text
from supavisor_lint.project.engines import Engine
from supavisor_lint.project.read_data import DataReader
from supavisor_lint.project.values import Factory, FunctionValue, Session
from supavisor_lint.rewrites.base import Context

_OPTION = "isolation_level"
_ON_THE_SERVER = ("default_transaction_isolation", "SESSION CHARACTERISTICS")
_WEAK = frozenset({"READ COMMITTED", "READ UNCOMMITTED", "AUTOCOMMIT"})
_MAX_IMPORTS = 6


@dataclass(frozen=True, slots=True)
class Isolation:
    """What keeps a session's transactions apart from others' changes: the level and where it stands (line from 1).

    `level` is None where it cannot be read.
    """

    level: str | None
    path: str
    line: int | None = None

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"the isolation level {self.level} ({place})" if self.level else f"the isolation level set in {place}"


def isolation_of(context: Context, session: Session) -> Isolation | None:
    """The isolation of a session; None if nothing in the project asks for more than READ COMMITTED.

    Where its engine cannot be told, any level that the project asks for anywhere may be its.
    """
    engine = _engine_of(context, session)
    if engine is not None and not any(form.keywords.is_open for form in engine.forms):
        found = next(_of_engine(engine), None)
    else:
        found = next((level for path in context.project.mentioning(_OPTION) for level in _in_file(context, path)), None)
    if found is not None:
        return found
    return next((Isolation(None, path) for word in _ON_THE_SERVER for path in context.project.mentioning(word)), None)


# ------------------------------------------------------------------------------------------------------ its engine


def _engine_of(context: Context, session: Session) -> Engine | None:
    """The engine of a session's factory, None where that, or what else may take its place, cannot be read."""
    openings = context.view.follower.openings
    factory, bound_to = openings.factory(session), openings.engine(session)
    if factory is None or factory.file is None or bound_to is None or _may_be_bound_anew(session, factory):
        return None
    return _engine_named(context, factory.file, bound_to.rpartition(":")[2], 0)


def _may_be_bound_anew(session: Session, factory: Factory) -> bool:
    """`factory(bind=…)` in the helper, `factory.configure(…)`, sessions with a `get_bind()` of their own."""
    made_by, helper, file = factory.node, session.definition, factory.file
    if file is None or file.attributes.get("configure") or not isinstance(made_by, Call):
        return True
    if any(argument.star or argument.keyword in ("binds", "class_", "sync_session_class") for argument in made_by.args):
        return True
    body = walk(helper.node) if isinstance(helper, FunctionValue) else ()
    return any(isinstance(n, Call) and any(a.keyword in ("bind", "binds") or a.star for a in n.args) for n in body)


def _engine_named(context: Context, file: FileFacts, name: str, depth: int) -> Engine | None:
    """The engine that a name of a module is bound to, once and for all, by way of imports as well."""
    bindings: list[Binding] = file.scope.bindings.get(name, [])
    binding = bindings[0] if len(bindings) == 1 else None
    if isinstance(binding, Assigned) and binding.index is None:
        return next((e for e in context.project.engines.of(file) if e.call is binding.value), None)
    if isinstance(binding, NameImport) and depth < _MAX_IMPORTS:
        path = context.project.module(file.path, binding.module, binding.level)
        home = context.project.facts(path) if path is not None else None
        return _engine_named(context, home, binding.name, depth + 1) if home is not None else None
    return None


# ------------------------------------------------------------------------------------------------------- the level


def _of_engine(engine: Engine) -> Iterator[Isolation]:
    for form in engine.forms:
        for options in (form.keywords, *form.map_under("execution_options")):
            item = options.items.get(_OPTION)
            if item is not None:
                yield from _strict(item.file.path, item.node, item.values)


def _in_file(context: Context, path: str) -> Iterator[Isolation]:
    """The levels that a file asks for, by a keyword or in a dict; those of one connection are that session's own."""
    file = context.project.facts(path)
    if file is None:
        return
    reader = DataReader(context.ev)
    for node in walk(file.module):
        if isinstance(node, Call):
            asked = node.argument(None, _OPTION)
            yield from _strict(path, node, reader.read(file, asked)) if asked is not None else ()
        elif isinstance(node, Dict) and not _is_of_one_connection(node):
            for item in node.items:
                if isinstance(item.key, Constant) and item.key.value == _OPTION:
                    yield from _strict(path, item, reader.read(file, item.value))


def _is_of_one_connection(options: Dict) -> bool:
    """`session.connection(execution_options={…})`."""
    call = options.parent.parent if options.parent is not None else None
    return isinstance(call, Call) and last_name(call.func) == "connection"


def _strict(path: str, node: Node, values: tuple[Data | None, ...]) -> Iterator[Isolation]:
    for value in values:
        text = value.whole if isinstance(value, Text) else None
        level = text.upper().replace("_", " ") if text is not None else None
        if value is not None and value != Plain(None) and level not in _WEAK:
            yield Isolation(level, path, node.span.line)
