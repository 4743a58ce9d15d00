"""Following a call: a session's method, a query's result, or a function that may be given a session."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from supavisor_lint.facts.file import enclosing_function
from supavisor_lint.facts.handlers import is_log_call
from supavisor_lint.facts.tree import Argument, Attribute, Await, Call, Name
from supavisor_lint.flow import expressions, machine, objects
from supavisor_lint.flow.events import SlowAwait
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.machine import Use
from supavisor_lint.flow.operations import OPENED_HERE
from supavisor_lint.flow.registering import note_registration
from supavisor_lint.flow.slow import slow_call
from supavisor_lint.flow.sql import entity_of, statement
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import (
    ANYTHING,
    BlockRef,
    ManyRef,
    ObjectRef,
    OpenerRef,
    ResultRef,
    SessionRef,
    Site,
    Tracked,
    TransactionRef,
)
from supavisor_lint.project.values import (
    ClassValue,
    Coroutine,
    External,
    FactoryBlock,
    FunctionValue,
    Instance,
    Manager,
    Method,
    Session,
    Value,
)

Results = list[tuple[State, Tracked]]

_LOADS_RESULT = {"execute": False, "stream": False, "scalars": True, "stream_scalars": True}
_ENDS = {"commit": "commit", "rollback": "rollback", "close": "close", "reset": "close"}
_ONE = frozenset({"one", "one_or_none", "first"})
_MANY = frozenset({"all", "fetchall", "partitions"})
_SAME = frozenset({"unique", "yield_per", "execution_options"})
_HARMLESS = frozenset(
    {"print", "len", "isinstance", "issubclass", "id", "repr", "str", "bool", "type", "hasattr", "callable", "range"}
    | {"list", "dict", "set", "tuple", "enumerate", "zip", "sorted", "reversed", "max", "min", "any", "all", "super"}
)
_WRAPPERS = frozenset({"asyncio.wait_for", "asyncio.shield", "asyncio.gather", "asyncio.timeout"})


def call(frame: Frame, node: Call, state: State) -> Results:
    """The states behind a call."""
    if not isinstance(node.func, Attribute):
        return _plain(frame, node, state)
    if isinstance(node.func.value, Call | Await | Attribute | Name):
        results: Results = []
        for after, receiver in expressions.evaluate(frame, node.func.value, state):
            results += _method(frame, node, node.func.attr, after, receiver)
        return results
    receivers = expressions.evaluate(frame, node.func.value, state)
    return [r for s, _ in receivers for r in _plain(frame, node, s)]


def _method(frame: Frame, node: Call, name: str, state: State, receiver: Tracked) -> Results:
    if isinstance(receiver, SessionRef) and receiver.site in state.sessions:
        return _session_method(frame, node, name, state, receiver.site)
    if isinstance(receiver, TransactionRef) and name in ("commit", "rollback", "close"):
        return _end_transaction(frame, node, name, state, receiver)
    if isinstance(receiver, ResultRef):
        return _result_method(frame, node, name, state, receiver)
    return _plain(frame, node, state)


def _arguments(frame: Frame, node: Call, state: State) -> list[tuple[State, list[Tracked]]]:
    return expressions.sequence(frame, [a.value for a in node.args], state)


# ------------------------------------------------------------------------------------------------------- sessions


def _session_method(frame: Frame, node: Call, name: str, state: State, site: Site) -> Results:
    results: Results = []
    for after, given in _arguments(frame, node, state):
        results += _operate(frame, node, name, after, site, given)
    return results


def _operate(frame: Frame, node: Call, name: str, state: State, site: Site, given: list[Tracked]) -> Results:
    if name in ("begin", "begin_nested"):
        return [(state, BlockRef(site, node, name == "begin_nested"))]
    if name in _ENDS:
        return [(after, ANYTHING) for after in machine.end(frame, state, site, node, _ENDS[name])]
    if name == "flush":
        return _flush(frame, node, state, site)
    if name in ("add", "add_all", "delete"):
        return _put(frame, node, name, state, site, given)
    if name in ("get", "get_one", "merge"):
        entity = entity_of(frame.ev, frame.file, node.argument(0, "entity")) if name != "merge" else None
        states = machine.work(frame, state, site, Use(node, name, writes=name == "merge"))
        return [_gives_object(after, node, site, entity) for after in states]
    if name in ("execute", "scalars", "scalar", "stream", "stream_scalars"):
        return _query(frame, node, name, state, site)
    if name == "refresh":
        states = machine.work(frame, state, site, Use(node, name))
        refs = [value for value in given if isinstance(value, ObjectRef)]
        return [(objects.refreshed(s, refs[0].site) if refs else s, ANYTHING) for s in states]
    if name in ("connection", "run_sync"):
        return [(after, ANYTHING) for after in machine.work(frame, state, site, Use(node, name))]
    if name in ("expunge", "expunge_all", "expire", "expire_all"):
        return [(objects.forgotten(state, site), ANYTHING)]
    return [(state, ANYTHING)]


def _flush(frame: Frame, node: Call, state: State, site: Site) -> Results:
    begins = bool(state.history(site).pending)
    return [(s, ANYTHING) for s in machine.work(frame, state, site, Use(node, "flush", begins=begins))]


def _put(frame: Frame, node: Call, name: str, state: State, site: Site, given: list[Tracked]) -> Results:
    """add, add_all, delete."""
    if name == "add_all" and _is_empty(node):
        return [(state, ANYTHING)]
    results: Results = []
    for after in machine.work(frame, state, site, Use(node, name, writes=True, queries=name == "delete")):
        argument = node.args[0].value if node.args else None
        if name == "add" and isinstance(argument, Name) and given and not isinstance(given[0], ObjectRef):
            entity = _made_as(frame, argument)
            after = objects.added(after, node, site, entity).with_variable(argument.id, ObjectRef(node))
        results.append((after, ANYTHING))
    return results


def _is_empty(node: Call) -> bool:
    argument = node.args[0].value if node.args else None
    return getattr(argument, "items", None) == ()


def _made_as(frame: Frame, name: Name) -> object:
    """The class whose instance a variable holds."""
    found = frame.ev.only(frame.file, name)
    if isinstance(found, Instance):
        return found.of.node if isinstance(found.of, ClassValue) else found.of.last
    return None


def _gives_object(state: State, node: Call, site: Site, entity: object) -> tuple[State, Tracked]:
    state = objects.maybe_loaded(state, site, entity)
    return objects.loaded(state, node, site, entity), ObjectRef(node)


def _query(frame: Frame, node: Call, name: str, state: State, site: Site) -> Results:
    asked = statement(frame.ev, frame.file, node.argument(0, "statement"))
    use = Use(node, name, writes=asked.writes, is_dml=asked.writes)
    results: Results = []
    for after in machine.work(frame, state, site, use):
        if asked.selects:
            after = objects.maybe_loaded(after, site, asked.entity)
        if name == "scalar" and asked.entity is not None:
            results.append(_gives_object(after, node, site, asked.entity))
        elif name in _LOADS_RESULT:
            results.append((after, ResultRef(site, node, asked.entity, _LOADS_RESULT[name])))
        else:
            results.append((after, ANYTHING))
    return results


def _end_transaction(frame: Frame, node: Call, name: str, state: State, ref: TransactionRef) -> Results:
    """`tx.commit()`, `tx.rollback()` on a transaction object."""
    session = state.sessions[ref.session]
    if not any(b.node is ref.block and b.nested for b in session.blocks):
        if any(b.node is ref.block for b in session.blocks) or session.transaction == "begun":
            return [(s, ANYTHING) for s in machine.end(frame, state, ref.session, node, name)]
        return [(state, ANYTHING)]
    blocks = tuple(b._replace(over=node) if b.node is ref.block else b for b in session.blocks)
    return [(state.with_session(ref.session, session._replace(blocks=blocks)), ANYTHING)]


def _result_method(frame: Frame, node: Call, name: str, state: State, ref: ResultRef) -> Results:
    results: Results = []
    for after, _ in _arguments(frame, node, state):
        frame.throw(after)
        results.append(_from_result(name, after, ref))
    return results


def _from_result(name: str, state: State, ref: ResultRef) -> tuple[State, Tracked]:
    if name in _SAME:
        return state, ref
    if name == "scalars":
        return state, replace(ref, scalars=True)
    gives_one = name in ("scalar_one", "scalar_one_or_none", "scalar") or (name in _ONE and ref.scalars)
    if ref.entity is not None and (gives_one or (name in _MANY and ref.scalars)):
        state = objects.loaded(state, ref.site, ref.session, ref.entity)
        return state, ObjectRef(ref.site) if gives_one else ManyRef(ref.site)
    return state, ANYTHING


# ---------------------------------------------------------------------------------------------------- other calls


def _plain(frame: Frame, node: Call, state: State) -> Results:
    opened = _opens(frame, node)
    results: Results = []
    for after, given in _arguments(frame, node, _callee_shares(frame, node, state)):
        after = _note_slow(frame, node, after, given)
        note_registration(frame, node, after)
        if isinstance(opened, Session):
            results.append(expressions.opened_session(frame, node, after, opened))
        elif opened is not None:
            results.append((after, OpenerRef(node)))
        else:
            results += _into(frame, node, after, given)
    return results


def _callee_shares(frame: Frame, node: Call, state: State) -> State:
    """A called expression other than a name may be anything: a lambda, a partial."""
    if isinstance(node.func, Name | Attribute):
        return state
    return expressions.evaluate(frame, node.func, state)[0][0]


def _opens(frame: Frame, node: Call) -> Session | bool | None:
    """The session that a call opens; True for a block that has to be entered first."""
    values = frame.ev.values(frame.file, node)
    session = frame.ev.session(frame.file, node)
    if session is not None and session.source in OPENED_HERE:
        return session
    return True if any(isinstance(v, Manager | FactoryBlock) for v in values) else None


def _into(frame: Frame, node: Call, state: State, given: list[Tracked]) -> Results:
    """A call of something else, maybe with sessions or objects among its arguments."""
    functions = called_functions(frame, node)
    passed = passed_values(frame, node, functions, state, given)
    if passed is not None:
        return frame.follower.called(frame, node, functions[0], passed, state)
    if not is_harmless(frame, node):
        frame.throw(state)
        state = _unknown_effect(frame, node, state, given)
    return [(state, ANYTHING)]


def called_functions(frame: Frame, node: Call) -> list[FunctionValue]:
    """The functions of the project that a call may run."""
    found = [v.function for v in frame.ev.values(frame.file, node) if isinstance(v, Coroutine)]
    if not found and not isinstance(node.func, Call):
        found = [v for v in frame.ev.values(frame.file, node.func) if isinstance(v, FunctionValue)]
    return found


def passed_values(
    frame: Frame, node: Call, functions: list[FunctionValue], state: State, given: list[Tracked]
) -> dict[str, Tracked] | None:
    """What a followed function gets: by parameter, by its own object, by closure. None if it is not worth following."""
    if len(functions) != 1:
        return None
    function = functions[0]
    if function.node.is_generator or (function.node.is_async and not _is_awaited(frame, node)):
        return None
    passed = {**_by_closure(frame, function, state), **_by_receiver(node, function, state)}
    passed.update(_by_argument(function, node.args, given))
    return passed if any(isinstance(v, SessionRef) for v in passed.values()) else None


def _is_awaited(frame: Frame, node: Call) -> bool:
    if isinstance(node.parent, Await):
        return True
    holder = node.parent.parent if isinstance(node.parent, Argument) else None
    if not isinstance(holder, Call) or not isinstance(holder.parent, Await):
        return False
    callee = frame.ev.only(frame.file, holder.func)
    return isinstance(callee, External) and callee.dotted in ("asyncio.wait_for", "asyncio.shield")


def _by_argument(function: FunctionValue, args: tuple[Argument, ...], given: list[Tracked]) -> dict[str, Tracked]:
    from supavisor_lint.project.registration import bind_arguments

    values = {id(argument.value): value for argument, value in zip(args, given, strict=True)}
    bound = bind_arguments(function, args)
    return {name: values[id(expr)] for name, expr in bound.items() if values[id(expr)] != ANYTHING}


def _by_receiver(node: Call, function: FunctionValue, state: State) -> dict[str, Tracked]:
    """The sessions that a method finds on its own object."""
    if not function.bound or not isinstance(node.func, Attribute) or not function.node.params:
        return {}
    prefix, own = expressions.dotted(node.func.value), function.node.params[0].name
    if prefix is None:
        return {}
    return {
        f"{own}.{name[len(prefix) + 1 :]}": value
        for name, value in state.variables.items()
        if name.startswith(f"{prefix}.") and isinstance(value, SessionRef)
    }


def _by_closure(frame: Frame, function: FunctionValue, state: State) -> dict[str, Tracked]:
    """What a nested function sees of the variables around it."""
    if enclosing_function(function.node) is not frame.function:
        return {}
    own = function.node.scope.bindings
    return {n: v for n, v in state.variables.items() if n.partition(".")[0] not in own and v != ANYTHING}


def _unknown_effect(frame: Frame, node: Call, state: State, given: list[Tracked]) -> State:
    """Somebody unknown got a session: for this call, or for good if it may keep it."""
    keeps = _may_keep(frame, node)
    for value in given:
        if isinstance(value, SessionRef) and value.site in state.sessions:
            session = state.sessions[value.site]
            session = session._replace(sure=False, shared=session.shared or keeps)
            state = state.with_session(value.site, session)
        elif isinstance(value, ObjectRef):
            state = objects.unknown(state, value.site)
    return state


def _may_keep(frame: Frame, node: Call) -> bool:
    """Objects keep what they are made with; coroutines that are not awaited here use it later."""
    values: Iterable[Value] = (*frame.ev.values(frame.file, node), *frame.ev.values(frame.file, node.func))
    if any(isinstance(v, Instance | ClassValue | Method) for v in values):
        return True
    return any(isinstance(v, Coroutine) for v in values) and not isinstance(node.parent, Await)


def is_harmless(frame: Frame, node: Call) -> bool:
    """Log calls, pure builtins and what builds SQL: they do not fail for reasons that matter here."""
    if is_log_call(node):
        return True
    callee = frame.ev.only(frame.file, node.func)
    if isinstance(callee, External):
        return callee.dotted.removeprefix("builtins.") in _HARMLESS or callee.root == "sqlalchemy"
    value = frame.ev.only(frame.file, node)
    return isinstance(value, Instance) and isinstance(value.of, External) and value.of.root == "sqlalchemy"


def _note_slow(frame: Frame, node: Call, state: State, given: list[Tracked]) -> State:
    if not any(history.queries for history in state.histories.values()):
        return state
    if passed_values(frame, node, called_functions(frame, node), state, given) is not None:
        return state  # followed into: what it does with the session comes first
    what = slow_call(frame.ev, frame.file, node)
    for site, history in state.histories.items() if what is not None else ():
        if history.queries and site in frame.opened:
            event = frame.trace.record(SlowAwait, node, frame.opened[site], machine.is_sure(state, site))
            event.because |= history.queries
            event.what = what or ""
    return state
