"""What a function has put into a mapping is in it: `if key in memo: return memo[key]` then asks no database.

A fact is text: the mapping and the key as words (see `memo_words`), in the names of the function that it is known in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from supavisor_lint.facts.file import FileFacts, nodes_of_kind
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.statements import Assign, FunctionDef, If, Try
from supavisor_lint.facts.tree import Argument, Attribute, BoolOp, Call, Dict, Expr, Name, NamedExpr, Other, Subscript
from supavisor_lint.flow.condition_texts import is_none
from supavisor_lint.flow.memo_words import Words, given_names, given_words, key_words, mapping_words, named, replaced
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.values import FunctionValue

if TYPE_CHECKING:
    from supavisor_lint.flow.frame import Frame
    from supavisor_lint.flow.session_state import SessionState
    from supavisor_lint.flow.state import State
    from supavisor_lint.project.evaluate import Evaluator

REMOVES = frozenset({"pop", "popitem", "clear"})
_MAX_CALLS = 5  # inside one another
_CALLERS = "<caller>"
"""The fact that a caller knows something."""
_EMPTIED = "<emptied>"
"""What begins the fact that a mapping, the words behind it, was emptied; without words, one that has no name here.

There are tabs between these words: what they say still holds when a variable that they name is bound again.
"""
_FAILED = "<failed>"
"""What begins the fact that the look-up of a fact, the words behind it, has failed, and nobody has put that right."""
FAILS_AGAIN = "<again>"
"""The fact that such a look-up has failed once more, from there to the end of its function.

A handler that did not get through then has left a session that refuses everything. Where somebody works with it all the
same, the handler did get through, and what is wrong with the look-up does not keep it from that.
"""
_TOLD = (_CALLERS, _EMPTIED, FAILS_AGAIN)


@dataclass(frozen=True, slots=True)
class Memo:
    """The facts that a function asks for and puts there itself: by the tests that ask, and by the targets that store.

    `others` are what stands beside a test in an `and`: `memo is not None`. `certain` are those that ask if what a
    session keeps is None.
    """

    asked: dict[Expr, str]
    others: dict[Expr, str]
    stored: dict[Expr, str]
    certain: frozenset[Expr]


# ------------------------------------------------------------------------------------------------- in one function


def memo_of(ev: Evaluator, file: FileFacts, function: FunctionDef) -> Memo:
    """The facts that a function asks for and stores."""
    stored = {}
    for assign in nodes_of_kind(function, Assign):
        for target in assign.targets:
            fact = _fact(ev, file, target.value, target.items[0]) if _is_element(target) else None  # type: ignore[attr-defined]
            if fact is not None:
                stored[target] = fact
    asked: dict[Expr, str] = {}
    others: dict[Expr, str] = {}
    certain: set[Expr] = set()
    for node in nodes_of_kind(function, If) if stored else ():
        atoms = list(_atoms(node.test))
        certain.update(atom for atom in atoms if _asks_for_kept(ev, file, atom))
        for atom in atoms:
            fact = _asked(ev, file, function, atom)
            if fact in stored.values() and fact is not None:
                asked[atom] = fact
                others.update((other, fact) for other in atoms if _is_there(other, atom))
    kept = set(asked.values())
    return Memo(asked, others, {target: fact for target, fact in stored.items() if fact in kept}, frozenset(certain))


def _is_element(target: Expr) -> bool:
    return isinstance(target, Subscript) and len(target.items) == 1


def _atoms(test: Expr) -> Iterator[Expr]:
    """What has to be true for a test to be true."""
    if isinstance(test, BoolOp) and test.op == "and":
        for value in test.values:
            yield from _atoms(value)
    else:
        yield test


def _asks_for_kept(ev: Evaluator, file: FileFacts, test: Expr) -> bool:
    """`memo is None` of `memo = session.info.setdefault("rights", {})`: it is not."""
    if not isinstance(test, Other) or test.op not in ("is", "is not") or not is_none(test.parts[1]):
        return False
    return isinstance(test.parts[0], Name) and ".info" in (mapping_words(ev, file, test.parts[0]) or ())


def _is_there(test: Expr, asking: Expr) -> bool:
    """Whether a test beside one that asks is about its mapping: `memo is not None`, `memo`."""
    mapping = asking.parts[1] if isinstance(asking, Other) and asking.op == "in" else None
    if isinstance(test, Other) and test.op == "is not" and is_none(test.parts[1]):
        test = test.parts[0]
    return isinstance(mapping, Name) and isinstance(test, Name) and test.id == mapping.id


def _asked(ev: Evaluator, file: FileFacts, function: FunctionDef, test: Expr) -> str | None:
    """The fact that a test asks for: `key in memo`, or `found is None` of `found = memo.get(key)`."""
    match test:
        case Other((key, mapping), "in" | "not in"):
            return _fact(ev, file, mapping, key)
        case Other((subject, nothing), "is" | "is not") if is_none(nothing):
            looked_up = _looked_up(function, subject)
            match looked_up:
                case Call(Attribute(mapping, "get"), (Argument(value=key),)):
                    return _fact(ev, file, mapping, key)
    return None


def _looked_up(function: FunctionDef, subject: Expr) -> Expr | None:
    """What a name was bound to first, or is in the test itself."""
    if isinstance(subject, NamedExpr):
        return subject.value
    if not isinstance(subject, Name):
        return None
    bindings = function.scope.bindings.get(subject.id, [])
    return bindings[0].value if bindings and isinstance(bindings[0], Assigned) else None


def _fact(ev: Evaluator, file: FileFacts, mapping: Expr, key: Expr) -> str | None:
    words, key_text = mapping_words(ev, file, mapping), key_words(key)
    return None if words is None or key_text is None else " ".join((*words, "[", *key_text, "]"))


def known_answer(frame: Frame, test: Expr, state: State) -> bool | None:
    """What a test says that asks for something that is taken to be there; None of any other test."""
    if frame.follower.wary:  # who empties a mapping is not always seen, and None may be in it
        return None
    memo = frame.memo
    fact = memo.asked.get(test) or memo.others.get(test)
    if test not in memo.certain and (fact is None or fact not in state.remembered):
        return None
    return not (isinstance(test, Other) and test.op in ("not in", "is"))


def with_answer(frame: Frame, test: Expr, states: Iterable[State], answer: bool) -> list[State]:
    """The states behind a test that was answered: what was found is there for whoever asks again."""
    fact = frame.memo.asked.get(test)
    is_found = answer is not (isinstance(test, Other) and test.op in ("not in", "is"))
    if fact is None or not is_found:
        return list(states)
    return [state.but(remembered=state.remembered | {fact}) for state in states]


def stored(frame: Frame, target: Expr, state: State) -> State:
    """The state behind `memo[key] = …`."""
    fact = frame.memo.stored.get(target)
    return state if fact is None else state.but(remembered=(state.remembered | {fact}) - {f"{_FAILED} {fact}"})


def failed(frame: Frame, statement: Try, state: State) -> State:
    """The state at the head of a handler of a `try` that looks something up and stores it."""
    if frame.follower.wary or not frame.memo.stored:
        return state
    facts = state.remembered
    for target, fact in frame.memo.stored.items():
        if fact not in facts and any(part.contains(target) for part in statement.body):
            failure = f"{_FAILED} {fact}"
            is_called = frame.depth > 0 and frame.text is frame.function  # else it would hold for all that follows
            facts |= {FAILS_AGAIN if is_called and failure in state.remembered else failure}
    return with_facts(state, facts)


def settled(state: State, session: SessionState) -> State:
    """The state behind what ends a session's transaction: a failure in it is put right, and may come once more."""
    if session.failed is None or not state.remembered:
        return state
    return with_facts(state, frozenset(fact for fact in state.remembered if not fact.startswith(_FAILED)))


def removed(frame: Frame, node: Node, state: State) -> State:
    """The state behind `memo.pop(key)`, `del memo[key]`, `self.memo = {}`: nothing is known of that mapping."""
    if not state.remembered:
        return state
    match node:
        case Call(Attribute(mapping, method)) if method in REMOVES:
            pass
        case Subscript(mapping):
            pass
        case Attribute() as mapping if isinstance(node.parent, Assign) and _empties(node.parent):
            pass
        case _:
            return state
    words = mapping_words(frame.ev, frame.file, mapping)
    return state if words is None else state.but(remembered=_without(state.remembered, words))


def _without(facts: frozenset[str], mapping: Words) -> frozenset[str]:
    """The facts behind the place where a mapping is emptied; it may be any where it has no words."""
    prefix = "".join(f"{word} " for word in mapping)
    left = {fact for fact in facts if fact.startswith((_CALLERS, _EMPTIED)) or not fact.startswith(prefix)}
    return frozenset(left | {"\t".join((_EMPTIED, *mapping))} if _CALLERS in facts else left)


def _empties(statement: Assign) -> bool:
    """`self.memo = {}`."""
    is_new = isinstance(statement.value, Dict) or (isinstance(statement.value, Call) and not statement.value.args)
    return is_new and any(isinstance(target, Attribute) for target in statement.targets)


# ------------------------------------------------------------------------------------------------ through its calls


class Asking:
    """Which functions ask for something that is kept, or put it away, themselves or in what they call; remembers."""

    def __init__(self, ev: Evaluator) -> None:
        self._ev = ev
        self._known: dict[tuple[FunctionDef, int, bool], bool] = {}
        self._memos: dict[FunctionDef, Memo] = {}

    def memo(self, file: FileFacts, function: FunctionDef) -> Memo:
        """What a function asks some mapping for, and puts there."""
        if function not in self._memos:
            self._memos[function] = memo_of(self._ev, file, function)
        return self._memos[function]

    def is_asking(self, function: FunctionValue, *, only: bool = False) -> bool:
        """Whether what is known matters to a function, as deep as calls are followed; `only` if it asks for it."""
        return self._is_asking(function, 0, only)

    def _is_asking(self, function: FunctionValue, depth: int, only: bool) -> bool:
        key = (function.node, depth, only)
        if key not in self._known:
            self._known[key] = self._find(function, depth, only)
        return self._known[key]

    def _find(self, function: FunctionValue, depth: int, only: bool) -> bool:
        if self.memo(function.file, function.node).asked:
            return True
        calls = nodes_of_kind(function.node, Call)
        if not only and any(isinstance(call.func, Attribute) and call.func.attr in REMOVES for call in calls):
            return True
        if not only and any(map(_empties, nodes_of_kind(function.node, Assign))):
            return True
        if depth >= _MAX_CALLS:
            return False
        called = (f for call in calls for f in functions_called(self._ev, function.file, call)[:1])
        return any(self._is_asking(f, depth + 1, only) for f in called)


def given_facts(frame: Frame, state: State, function: FunctionValue, call: Expr) -> frozenset[str]:
    """What a called function knows of what its caller knows, if it may ask for that or put it away."""
    if not state.remembered:
        return frozenset()
    told = state.remembered & {FAILS_AGAIN}
    if not frame.follower.memos.is_asking(function):
        return told
    known = (tuple(fact.split()) for fact in state.remembered if not fact.startswith(_TOLD))
    found = named(known, given_names(function, call))
    return frozenset({*map(" ".join, found), _CALLERS, *told})


def facts_back(before: State, after: State, function: FunctionValue, call: Expr) -> frozenset[str]:
    """What the caller knows behind a call."""
    kept = before.remembered
    if not after.remembered:
        return kept
    names = given_words(function, call)
    told = {fact for fact in after.remembered if fact.startswith(_TOLD)}
    for fact in told - {_CALLERS, FAILS_AGAIN}:
        kept = _without(kept, replaced(fact.split()[1:], names) or ())
    return kept | _translated(after.remembered - told, names)


def with_facts(state: State, facts: frozenset[str]) -> State:
    """The state with what is known now."""
    return state if facts == state.remembered else state.but(remembered=facts)


def _translated(facts: Iterable[str], given: Mapping[str, Words]) -> frozenset[str]:
    found = (replaced(fact.split(), given) for fact in facts)
    return frozenset(" ".join(words) for words in found if words is not None)
