"""Following the statements of a function: branches, loops, handlers and blocks."""

from __future__ import annotations

from collections.abc import Iterable

from supavisor_lint.facts.statements import (
    Assign,
    ClassDef,
    Delete,
    ExprStmt,
    For,
    FunctionDef,
    If,
    Match,
    MatchCase,
    Raise,
    Return,
    Simple,
    Try,
    While,
    With,
)
from supavisor_lint.facts.tree import Attribute, Block, Collection, Constant, Expr, Name, Starred, Stmt
from supavisor_lint.flow import compound, wary
from supavisor_lint.flow.attributes import behind_missing, is_missing, read_attribute, set_attribute
from supavisor_lint.flow.binding import bind, bind_name, share
from supavisor_lint.flow.blank import made_blank
from supavisor_lint.flow.bystanders import apart
from supavisor_lint.flow.conditions import truth
from supavisor_lint.flow.exhaustive import is_exhaustive
from supavisor_lint.flow.expressions import Results, evaluate, sequence, shared_all
from supavisor_lint.flow.frame import Frame, Thrown
from supavisor_lint.flow.handlers import thrown_by
from supavisor_lint.flow.loops import loop
from supavisor_lint.flow.loosening import closely
from supavisor_lint.flow.memos import removed, stored
from supavisor_lint.flow.modes import assigned, matches, word_of
from supavisor_lint.flow.session_loops import follow_session_loop, session_loop
from supavisor_lint.flow.several import put_into
from supavisor_lint.flow.state import RETURNED, Collected, State, States
from supavisor_lint.flow.values import (
    ANYTHING,
    SOMETHING,
    BlankRef,
    ConstantRef,
    KeeperRef,
    ManyRef,
    ModeRef,
    ObjectRef,
    SessionRef,
    Tracked,
    TupleRef,
)

_COMPOUND = (While, For, Try, With, If)


def run(frame: Frame, statements: Block, states: States) -> States:
    """Follow some statements; the states behind the last one."""
    current: Collected = states
    for statement in statements:
        current = _behind(frame, statement, current)
        if not current:
            break
    return current if isinstance(current, States) else States(current)


def _behind(frame: Frame, statement: Stmt, states: Collected) -> Collected:
    """The states behind one statement; a single one, as usual, is spared what tells several apart."""
    is_called = frame.depth > 0
    living = [frame.life.pruned(state, statement, is_called=is_called) for state in states]
    if frame.follower.wary:
        return wary.behind(frame, statement, States(living), _known_step)
    if not is_called:
        return closely(frame, living, lambda found: _from_each(frame, statement, found))
    return _from_each(frame, statement, living)


def _from_each(frame: Frame, statement: Stmt, states: list[State]) -> Collected:
    if len(states) == 1:
        ends = tuple(_known_step(frame, statement, states[0]))
        return ends if len(ends) <= 1 else States(ends)
    following = States()
    for state in States(states):
        following.update(_known_step(frame, statement, state))
    return following


def _known_step(frame: Frame, statement: Stmt, state: State) -> Iterable[State]:
    """One statement; what a compound one does from the same state again, as a loop's next round asks, is remembered."""
    frame.spend()
    if not isinstance(statement, _COMPOUND):
        return step(frame, statement, state)
    bystanders, state = apart(statement, state)
    key = (statement, state.identity, frame.unwinding > 0)
    known = frame.steps.get(key)
    if known is None:
        with frame.stretch() as exits:
            ends = tuple(step(frame, statement, state))
        known = frame.steps[key] = (ends, exits)
    if bystanders is None:
        frame.exits.add_all(known[1])
        return known[0]
    frame.exits.add_all(bystanders.joining_all(known[1]))
    return [bystanders.joining(after) for after in known[0]]


def step(frame: Frame, statement: Stmt, state: State) -> Iterable[State]:
    """Follow one statement from one state."""
    match statement:
        case ExprStmt(value):
            return [after for after, _ in evaluate(frame, value, state)]
        case Assign():
            return _assign(frame, statement, state)
        case Return(value):
            return _return(frame, value, state)
        case Raise(exc, cause):
            return _raise(frame, exc, cause, state)
        case If(test, body, orelse):
            yes, no = truth(frame, test, state)
            return _without_idle_facts(state, run(frame, body, States(yes)), run(frame, orelse, States(no)))
        case While():
            return loop(frame, statement, state, run)
        case For():
            over_session = session_loop(frame, statement)
            if over_session is not None:
                return follow_session_loop(frame, over_session, state, run)
            return loop(frame, statement, state, run)
        case Try():
            return compound.follow_try(frame, statement, state)
        case With():
            return compound.follow_with(frame, statement, 0, state)
        case Match():
            return _match(frame, statement, state)
        case Simple(keyword, parts):
            return _simple(frame, keyword, parts, state)
        case Delete(targets):
            for target in targets:
                state = removed(frame, target, state)
                if isinstance(target, Name) or frame.follower.wary:
                    state = bind(frame, state, target, ANYTHING)
            return [state]
        case FunctionDef(name) | ClassDef(name):
            return [state.unbound(name)]
        case _:
            return [state]


def _without_idle_facts(before: State, yes: States, no: States) -> list[State]:
    """The ends of both branches. Where they are the same, it does not matter which one was taken."""
    if all(state.assumed == before.assumed for ends in (yes, no) for state in ends):
        return [*yes, *no]
    plain = [{s.but(assumed=before.assumed).identity for s in ends} for ends in (yes, no)]
    idle = plain[0] & plain[1]
    ends = []
    for state in (*yes, *no):
        stripped = state.but(assumed=before.assumed)
        ends.append(stripped if stripped.identity in idle else state)
    return ends


# --------------------------------------------------------------------------------------------------------- simple


def _assign(frame: Frame, statement: Assign, state: State) -> Iterable[State]:
    if statement.value is None:
        return [state]
    results: list[State] = []
    pairs = _unpacked(statement)
    if pairs:
        for after, values in sequence(frame, [value for _, value in pairs], state):
            for (target, expr), given in zip(pairs, values, strict=True):
                after = bind(frame, after, target, assigned(frame, target, expr, given))
            results.append(after)
        return results
    for after, value in evaluate(frame, statement.value, state):
        reached = [after]
        for target in statement.targets:
            given = assigned(frame, target, statement.value, value)
            reached = [s for r in reached for s in _store(frame, statement, target, given, r)]
        results += reached
    return results


def _unpacked(statement: Assign) -> list[tuple[Expr, Expr]]:
    """`a, b = x, y`: each target with its value."""
    target, value = statement.targets[0], statement.value
    if len(statement.targets) != 1 or not isinstance(target, Collection) or not isinstance(value, Collection):
        return []
    items = (*target.items, *value.items)
    if len(target.items) != len(value.items) or any(isinstance(item, Starred) for item in items):
        return []
    return list(zip(target.items, value.items, strict=True))


def _store(frame: Frame, statement: Assign, target: Expr, value: Tracked, state: State) -> list[State]:
    if isinstance(target, Attribute):
        return _store_attribute(frame, statement, target, value, state)
    if isinstance(target, Name | Collection):
        return [bind(frame, state, target, ANYTHING if statement.augmented else value)]
    if frame.follower.wary and wary.sets_row(frame, target):
        state = wary.write(frame, state, target)
    return [stored(frame, target, share(put_into(after, target), value)) for after, _ in evaluate(frame, target, state)]


def _store_attribute(frame: Frame, statement: Assign, target: Attribute, value: Tracked, state: State) -> list[State]:
    results: list[State] = []
    for after, owner in evaluate(frame, target.value, state):
        if is_missing(frame, target.value, after, owner):
            results += behind_missing(frame, after)
            continue
        if not isinstance(owner, ObjectRef) or owner.site not in after.objects:
            if frame.follower.wary and wary.sets_row(frame, target):
                after = wary.write(frame, after, target)
            results.append(bind(frame, after, target, value))
            continue
        if statement.augmented:
            after = read_attribute(frame, target, after, owner)[0]
        results += set_attribute(frame, target, target.attr, after, owner)
    return results


def _return(frame: Frame, value: Expr | None, state: State) -> list[State]:
    for after, returned in _returned(frame, value, state) if value is not None else [(state, ANYTHING)]:
        if not _is_the_callers(frame, returned):
            after = share(after, returned)
        frame.leave("return", after.with_variable(RETURNED, returned))
    return []


def _is_the_callers(frame: Frame, value: Tracked) -> bool:
    """Whether returned sessions come back to a caller that is followed, and has given them."""
    sites = value.sites if isinstance(value, KeeperRef) else (value.site,) if isinstance(value, SessionRef) else ()
    return frame.depth > 0 and bool(sites) and not any(frame.opened[site].own for site in sites)


def _returned(frame: Frame, value: Expr, state: State) -> Results:
    """What is returned; of several values at once those that are followed."""
    if not isinstance(value, Collection) or not value.items or any(isinstance(item, Starred) for item in value.items):
        return [(after, _made(frame, value, found)) for after, found in evaluate(frame, value, state)]
    return [
        (shared_all(after, values), _at_once([_made(frame, *pair) for pair in zip(value.items, values, strict=True)]))
        for after, values in sequence(frame, value.items, state)
    ]


def _made(frame: Frame, expr: Expr, value: Tracked) -> Tracked:
    """What an expression gives that is returned: also whether a constant is true, and what has no contents."""
    known = value if value != ANYTHING else word_of(frame, expr)
    if known != ANYTHING:
        return known
    if isinstance(expr, Constant):
        return SOMETHING if expr.value else ConstantRef(False)
    return made_blank(frame, expr)


def _at_once(values: Iterable[Tracked]) -> Tracked:
    followed = ConstantRef | BlankRef | ModeRef | ObjectRef | ManyRef
    items = tuple(value if isinstance(value, followed) else ANYTHING for value in values)
    return ANYTHING if all(item == ANYTHING for item in items) else TupleRef(items)


def _raise(frame: Frame, exc: Expr | None, cause: Expr | None, state: State) -> list[State]:
    for after, _ in sequence(frame, [e for e in (exc, cause) if e is not None], state):
        frame.throw(after, thrown_by(exc, frame.ev, frame.file))
    return []


def _simple(frame: Frame, keyword: str, parts: tuple[Expr, ...], state: State) -> list[State]:
    if keyword in ("break", "continue"):
        frame.leave("break" if keyword == "break" else "continue", state)
        return []
    results = [after for after, _ in sequence(frame, parts, state)]
    if keyword == "assert":
        for after in results:
            frame.throw(after, Thrown("class", "AssertionError"))
    return results


# ------------------------------------------------------------------------------------------------- branches, loops


def _match(frame: Frame, statement: Match, state: State) -> States:
    ends = States()
    for after, subject in evaluate(frame, statement.subject, state):
        open_states = [after]
        for case in statement.cases:
            answer = True if _takes_the_rest(statement, case) else matches(frame, subject, case)
            if answer is False:
                continue
            taken: list[State] = []
            for before in open_states:
                for name in case.names:
                    before = bind_name(frame, before, name, ANYTHING)
                taken += truth(frame, case.guard, before)[0] if case.guard is not None else [before]
            ends.update(run(frame, case.body, States(taken)))
            if case.guard is None and answer:
                open_states = []
        if open_states and not is_exhaustive(frame, statement):
            ends.update(open_states)
    return ends


def _takes_the_rest(statement: Match, case: MatchCase) -> bool:
    """`case _:`, at the end."""
    return not case.values and len(case.names) <= 1 and case is statement.cases[-1]
