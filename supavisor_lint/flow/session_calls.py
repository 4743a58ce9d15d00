"""Following the methods of a session, of a query's result, of a transaction object, and of an object's collection."""

from __future__ import annotations

from dataclasses import replace

from supavisor_lint.facts.tree import Attribute, Call
from supavisor_lint.flow import at_hand, expressions, machine, objects, several
from supavisor_lint.flow.adding import put
from supavisor_lint.flow.autocommit import asks_for_autocommit
from supavisor_lint.flow.binding import share
from supavisor_lint.flow.events import EndedInBlock, NeverRun
from supavisor_lint.flow.flushing import flush
from supavisor_lint.flow.frame import PLAIN, Frame
from supavisor_lint.flow.just_made import finds_nothing
from supavisor_lint.flow.loading import after_query
from supavisor_lint.flow.locked_rows import Row
from supavisor_lint.flow.machine import Use
from supavisor_lint.flow.merging import given_back, may_only_read
from supavisor_lint.flow.refreshing import expire, refresh
from supavisor_lint.flow.run_sync import ENDS, HARMLESS, run_sync
from supavisor_lint.flow.sql import entity_of, only_reads, returns_row, statement
from supavisor_lint.flow.state import ObjectState, State
from supavisor_lint.flow.transaction_objects import begun_transaction
from supavisor_lint.flow.unawaited import never_runs
from supavisor_lint.flow.values import (
    ANYTHING,
    EMPTY_COLLECTION,
    BlockRef,
    ConstantRef,
    CountRef,
    ManyRef,
    ObjectRef,
    ResultRef,
    SessionRef,
    Site,
    Tracked,
    TransactionRef,
)

Results = list[tuple[State, Tracked]]

_LOADS_RESULT = {"execute": False, "stream": False, "scalars": True, "stream_scalars": True}
_STARTS = frozenset({"start", "__aenter__"})  # of a transaction object
_ONE = frozenset({"one", "one_or_none", "first"})
_RAISING = frozenset({"one", "scalar_one", "get_one"})  # where there is no row
_MANY = frozenset({"all", "fetchall", "partitions"})
_ABSENT = (_MANY - {"partitions"}) | {"first", "one_or_none", "scalar_one_or_none", "scalar"}  # no error without a row
_SAME = frozenset({"unique", "yield_per", "execution_options"})
COLLECTION_CHANGES = frozenset({"append", "extend", "insert", "remove", "pop", "clear", "add", "discard"})


def method(frame: Frame, node: Call, name: str, state: State, receiver: Tracked) -> Results | None:
    """The states behind a method of something that is followed; None for anything else."""
    if isinstance(receiver, SessionRef) and receiver.site in state.sessions:
        return _session_method(frame, node, name, state, receiver.site)
    if isinstance(receiver, TransactionRef) and name in ("commit", "rollback", "close"):
        return _end_transaction(frame, node, name, state, receiver)
    if isinstance(receiver, BlockRef) and name in _STARTS:
        return [(state, receiver)]  # what is awaited begins
    if isinstance(receiver, BlockRef | TransactionRef):
        return [(share(after, receiver), ANYTHING) for after, _ in expressions.arguments(frame, node, state)]
    if isinstance(receiver, ResultRef):
        return _result_method(frame, node, name, state, receiver)
    if isinstance(receiver, ManyRef):
        taken = several.method(node, name, state, receiver)
        if taken is not None:
            return [(after, taken[1]) for after, _ in expressions.arguments(frame, node, taken[0])]
    return None


def changed_collection(frame: Frame, node: Call, state: State) -> list[State]:
    """`job.lines.append(…)`: a change of a persistent object where the attribute is a relationship."""
    collection = node.func.value if isinstance(node.func, Attribute) else None
    if not isinstance(collection, Attribute) or getattr(node.func, "attr", "") not in COLLECTION_CHANGES:
        return [state]
    results: list[State] = []
    for after, owner in expressions.evaluate(frame, collection.value, state):
        known = after.objects.get(owner.site) if isinstance(owner, ObjectRef) else None
        if known is not None and known.conditions == {objects.LIVE} and _is_relationship(known, collection.attr):
            results += machine.work(frame, after, known.session, Use(node, "", writes=True, queries=False))
        else:
            results.append(after)
    return results


def _is_relationship(known: ObjectState, attr: str) -> bool:
    scope = getattr(known.entity, "scope", None)
    for binding in scope.bindings.get(attr, []) if scope is not None else []:
        value = getattr(binding, "value", None)
        if isinstance(value, Call) and getattr(value.func, "id", getattr(value.func, "attr", "")) == "relationship":
            return True
    return False


# ------------------------------------------------------------------------------------------------------- sessions


def _session_method(frame: Frame, node: Call, name: str, state: State, site: Site) -> Results:
    results: Results = []
    for after, given in expressions.arguments(frame, node, state):
        results += _operate(frame, node, name, after, site, given)
    return results


def _operate(frame: Frame, node: Call, name: str, state: State, site: Site, given: list[Tracked]) -> Results:
    if never_runs(node):
        frame.trace.record(NeverRun, node, frame.opened[site]).method = name
        return [(state, ANYTHING)]
    if name in ("begin", "begin_nested"):
        return [(state, BlockRef(site, node, name == "begin_nested"))]
    if name in ENDS:
        return [(after, ANYTHING) for after in machine.end(frame, state, site, node, ENDS[name])]
    if name == "flush":
        return [(after, ANYTHING) for after in flush(frame, node, state, site)]
    if name in ("add", "add_all", "delete"):
        return [(after, ANYTHING) for after in put(frame, node, name, state, site, given)]
    if name in ("get", "get_one"):
        return _get(frame, node, state, site)
    if name == "merge":
        own = given_back(frame, state, site, given)
        if own is not None:
            return [(after, own) for after in flush(frame, node, state, site)]
        writes = frame.follower.wary or not may_only_read(node)
        states = machine.work(frame, state, site, Use(node, name, writes=writes))
        return [_gives_object(frame, after, node, site, None) for after in states]
    if name in ("execute", "scalars", "scalar", "stream", "stream_scalars"):
        return _query(frame, node, name, state, site)
    if name == "refresh":
        return [(after, ANYTHING) for after in refresh(frame, node, state, site, given)]
    if name == "run_sync":
        return [(after, ANYTHING) for after in run_sync(frame, node, state, site, given)]
    if name == "connection":
        states = machine.work(frame, state, site, Use(node, name))
        shared = frame.follower.wary or asks_for_autocommit(node)
        return [(share(s, SessionRef(site)) if shared else s, ANYTHING) for s in states]
    if name == "invalidate":
        return [(after, ANYTHING) for after in machine.end(frame, state, site, node, "close")]
    forgotten = expire(state, site, node, given) if name == "expire" else None
    if forgotten is not None:
        return [(_without_unsent(forgotten, site, wary=frame.follower.wary), ANYTHING)]
    if name == "expire_all":
        unsent = _without_unsent(state, site, wary=frame.follower.wary)
        return [(objects.all_expired(unsent, site, node), ANYTHING)]
    if name in ("expunge", "expunge_all", "expire"):
        return [(_let_go(state, site, wary=frame.follower.wary), ANYTHING)]
    if name in HARMLESS:
        return [(state, ANYTHING)]
    if name == "get_transaction":
        return [_transaction(state, node, site)]
    return [(share(state, SessionRef(site)), ANYTHING)]  # a method of a class of the project, or one for later


def _transaction(state: State, node: Call, site: Site) -> tuple[State, Tracked]:
    """`get_transaction()`: the one that is open, if it is known whether there is one."""
    session = state.sessions[site]
    if session.is_over is not None or session.transaction == "entry" or not session.sure:
        return share(state, SessionRef(site)), ANYTHING
    if session.block is not None:
        return state, TransactionRef(site, session.block.node)
    return state, begun_transaction(state, site, node) if session.is_begun else ConstantRef(None)


def _let_go(state: State, site: Site, *, wary: bool) -> State:
    """Objects leave the session, with what no flush has sent of them; a wary follower asks which."""
    return objects.forgotten(_without_unsent(state, site, wary=wary), site)


def _without_unsent(state: State, site: Site, *, wary: bool) -> State:
    history = state.history(site)
    kept = history if wary else history._replace(writes=history.writes - history.unsent, unsent=frozenset())
    return state.with_session(site, state.sessions[site], kept)


def _get(frame: Frame, node: Call, state: State, site: Site) -> Results:
    """`get(Class, key)`: no SQL, and no transaction, for what the session has at hand."""
    entity, key = entity_of(frame.ev, frame.file, node.argument(0, "entity")), at_hand.identity(node)
    if at_hand.is_at_hand(state, site, entity, key):
        return [(objects.loaded(state, node, site, entity), ObjectRef(node))]
    found: list[State] = []
    is_attribute = len(node.args) == 2 and isinstance(node.args[1].value, Attribute)  # `job.id`: likely of a loaded one
    if key is None and not is_attribute and at_hand.may_be_at_hand(state, site, entity):
        found.append(state)
    elif at_hand.is_likely_at_hand(state, site, entity) or (
        is_attribute and at_hand.may_be_at_hand(state, site, entity)
    ):
        found.append(state)
        state = state.with_session(site, state.sessions[site]._replace(sure=False))
    found += machine.work(frame, state, site, Use(node, "get"))
    found = [at_hand.with_row(frame, after, node, site, entity, key) for after in found]
    return [_gives_object(frame, after, node, site, entity) for after in found]


def _gives_object(frame: Frame, state: State, node: Call, site: Site, entity: object) -> tuple[State, Tracked]:
    state = after_query(frame, state, site, node, entity)
    exists = isinstance(node.func, Attribute) and node.func.attr in _RAISING
    return objects.loaded(state, node, site, entity), ObjectRef(node, exists)


def _query(frame: Frame, node: Call, name: str, state: State, site: Site) -> Results:
    asked = statement(frame.ev, frame.file, node.argument(0, "statement"))
    writes = asked.writes or (
        frame.follower.wary and not only_reads(frame.ev, frame.file, node.argument(0, "statement"))
    )
    if (asked.updates or asked.selects) and asked.entity is not None and asked.key is not None:
        frame.rows[node] = (asked.entity, asked.key)
    if asked.updates:
        frame.changed[node] = frozenset((Row(asked.entity, asked.key),))
    use = Use(node, name, writes=writes, is_dml=asked.writes, updates=asked.updates)
    results: Results = []
    for after in machine.work(frame, state, site, use):
        if asked.selects or asked.returns or asked.open:
            after = after_query(frame, after, site, node, asked.entity)
        if asked.deletes:
            after = objects.deleted_with(after, site, asked.entity, node)
        if asked.selects:
            after = at_hand.with_row(frame, after, node, site, asked.entity, asked.key)
        if name == "scalar" and asked.writes:  # `returning(…)` of no row is None
            results.append((after, CountRef(site, node) if _tells_row(frame, node) else ANYTHING))
        elif name == "scalar" and asked.entity is not None:
            results.append(_gives_object(frame, after, node, site, asked.entity))
        elif name in _LOADS_RESULT:
            results.append((after, ResultRef(site, node, asked.entity, _LOADS_RESULT[name])))
        else:
            results.append((after, ANYTHING))
    return results


def _end_transaction(frame: Frame, node: Call, name: str, state: State, ref: TransactionRef) -> Results:
    """`tx.commit()`, `tx.rollback()` on a transaction object."""
    session = state.sessions[ref.session]
    if not any(b.node is ref.block and b.nested for b in session.blocks):
        if ref.nested:
            return [(_savepoint_ended(state, ref.session, name), ANYTHING)]
        if any(b.node is ref.block for b in session.blocks) or session.transaction == "begun":
            return [(s, ANYTHING) for s in machine.end(frame, state, ref.session, node, name)]
        return [(state, ANYTHING)]
    ended = frame.trace.record(EndedInBlock, node, frame.opened[ref.session], False)  # sure with a use behind it
    ended.method = name
    ended.because.add(ref.block)
    blocks = tuple(b._replace(over=node) if b.node is ref.block else b for b in session.blocks)
    return [(state.with_session(ref.session, session._replace(blocks=blocks)), ANYTHING)]


def _savepoint_ended(state: State, site: Site, name: str) -> State:
    """A savepoint that was begun by hand: its rollback makes a failed transaction usable again."""
    if name == "commit":
        return state
    session = state.sessions[site]._replace(failed=None, hard=None, doomed=False)
    return objects.forgotten(state.with_session(site, session), site)


def _result_method(frame: Frame, node: Call, name: str, state: State, ref: ResultRef) -> Results:
    results: Results = []
    for after, _ in expressions.arguments(frame, node, state):
        frame.throw(after, PLAIN)
        results.append(_from_result(frame, name, after, ref))
    return results


def _tells_row(frame: Frame, query: object) -> bool:
    """Whether the first column that a statement returns tells of a row; only a wary follower asks."""
    return not frame.follower.wary or (isinstance(query, Call) and returns_row(query.argument(0, "statement")))


def _from_result(frame: Frame, name: str, state: State, ref: ResultRef) -> tuple[State, Tracked]:
    if name in _SAME:
        return state, ref
    if name == "scalars":
        return state, replace(ref, scalars=True)
    gives_one = name in ("scalar_one", "scalar_one_or_none", "scalar") or (name in _ONE and ref.scalars)
    if (gives_one or name in _ONE) and ref.site in state.history(ref.session).pending:
        is_told = not gives_one or _tells_row(frame, ref.site)  # a whole row is true
        return state, CountRef(ref.session, ref.site) if is_told else ANYTHING
    if name in _ABSENT and finds_nothing(frame, state, ref):
        return state, EMPTY_COLLECTION if name in _MANY else ConstantRef(None)
    if ref.entity is not None and (gives_one or (name in _MANY and ref.scalars)):
        state = objects.loaded(state, ref.site, ref.session, ref.entity)
        return state, ObjectRef(ref.site, name in _RAISING) if gives_one else ManyRef(ref.site)
    return state, ANYTHING
