"""Which sessions of its surroundings a call uses while it runs: given as arguments, kept by an object, captured.

Only what waits for the database counts: between two of those another coroutine can get in. `add` never waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from supavisor_lint.facts.file import FileFacts, enclosing_function, walk
from supavisor_lint.facts.handlers import own_nodes_in
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import node_of
from supavisor_lint.facts.statements import ClassDef, FunctionDef, If
from supavisor_lint.facts.tree import Argument, Attribute, Call, Constant, Dict, Expr, Name, Subscript
from supavisor_lint.flow.collected import changed_in_place
from supavisor_lint.flow.kept_sessions import KeptSessions
from supavisor_lint.flow.locks import is_locked
from supavisor_lint.flow.operations import OPENED_HERE, WORK, SessionFlow
from supavisor_lint.flow.session_keys import SessionKey, session_key
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.project.values import (
    ClassValue,
    FunctionValue,
    LambdaValue,
    ParamValue,
    Partial,
    Session,
)

_WAITS = (WORK - {"add", "add_all", "run_sync"}) | {"flush", "commit", "rollback", "close", "reset", "begin"}


@dataclass(frozen=True, slots=True)
class Use:
    """One use. `key` is the session's variable as the code around the call knows it.

    `file`, `node` and `method` tell where it is used first; `session` is None while only the method's name speaks for
    a session, as with a parameter without a type.
    """

    key: SessionKey
    file: FileFacts
    node: Node
    method: str
    session: Session | None


class SessionUses:
    """Answers for one project; remembers what functions use."""

    def __init__(self, flow: SessionFlow) -> None:
        self.flow = flow
        self._ev = flow.ev
        self._kept = KeptSessions(flow.ev)
        self._known: dict[FunctionDef, tuple[Use, ...]] = {}

    def of_call(self, file: FileFacts, call: Call) -> Iterator[Use]:
        """What a call uses: a session's own method, or a function of the project."""
        func = call.func
        if isinstance(func, Attribute) and func.attr in _WAITS and isinstance(func.value, Name | Attribute):
            use = self._named(file, func.value, file, call, func.attr)
            if use is not None:
                yield use
                return
        callee = self._callee(file, call)
        if callee is not None:
            yield from self._through(file, callee, call.args, func)

    def of_callable(self, file: FileFacts, expr: Expr, args: tuple[Argument, ...]) -> Iterator[Use]:
        """What a callable that is given to somebody (`tg.start_soon(work, session)`) uses when it is called."""
        value = self._ev.only(file, expr)
        if isinstance(value, FunctionValue):
            yield from self._through(file, value, args, expr)
        elif (
            isinstance(value, Partial) and isinstance(value.target, FunctionValue) and file.module.contains(value.call)
        ):
            inner = value.call.args
            yield from self._through(file, value.target, (*inner[1:], *args), inner[0].value)
        elif isinstance(value, LambdaValue):
            for node in walk(value.node.body):
                if isinstance(node, Call):
                    yield from self.of_call(value.file, node)

    def of(self, function: FunctionValue) -> tuple[Use, ...]:
        """What a function of the project uses, by its own names: parameters, `self.…`, names from around it."""
        if function.node not in self._known:
            self._known[function.node] = ()  # while it is being computed
            self._known[function.node] = tuple(self._find(function))
        return self._known[function.node]

    def _find(self, function: FunctionValue) -> Iterator[Use]:
        seen: set[SessionKey] = set()
        for node in own_nodes_in(function.node):
            if isinstance(node, Call) and not is_locked(self._ev, function.file, node):
                for use in self.of_call(function.file, node):
                    if use.key not in seen and self._is_from_outside(function, use):
                        seen.add(use.key)
                        yield use

    def _is_from_outside(self, function: FunctionValue, use: Use) -> bool:
        """Whether a session can be somebody else's as well: no variable of the function's own."""
        root, _, rest = use.key.text.partition(".")
        scope = use.key.scope
        if scope is None or scope.kind in ("comprehension", "lambda"):
            return False
        if scope is not function.node.scope:
            return True
        if function.node.param(root) is None:
            return False
        if not rest and use.session is not None and use.session.source in OPENED_HERE:
            return False
        return not _is_rebound(function.node, root)

    def _callee(self, file: FileFacts, call: Call) -> FunctionValue | None:
        """The one function of the project that a call runs."""
        found = functions_called(self._ev, file, call)
        return found[0] if len(found) == 1 and not found[0].node.is_generator else None

    # ------------------------------------------------------------------------------------- into the caller's names

    def _through(self, file: FileFacts, callee: FunctionValue, args: Iterable[Argument], func: Expr) -> Iterator[Use]:
        return (use for _, use in self.carried(file, callee, args, func))

    def carried(
        self, file: FileFacts, callee: FunctionValue, args: Iterable[Argument], func: Expr | None
    ) -> Iterator[tuple[Expr | None, Use]]:
        """What a called function uses, by the caller's names, each with what carries the session there.

        That is the argument or the receiver of the method that `func` names; None for what the function captures.
        """
        given = bind_arguments(callee, args)
        own = callee.node.params[0].name if callee.bound and callee.node.params else None
        receiver = func.value if isinstance(func, Attribute) else None
        for use in self.of(callee):
            root, _, rest = use.key.text.partition(".")
            if use.key.scope is not callee.node.scope:
                yield None, use
            elif root in given and not rest:
                named = self._named(file, given[root], use.file, use.node, use.method)
                if named is not None:
                    yield given[root], named
            elif root in given or (root == own and receiver is not None):
                keeper = given.get(root, receiver)
                if keeper is not None:
                    yield from ((keeper, kept) for kept in self._of_keeper(file, keeper, rest, use))

    def _named(self, file: FileFacts, expr: Expr, home: FileFacts, node: Node, method: str) -> Use | None:
        """The use of what an expression names, if that is a session, or whatever the caller passes."""
        if isinstance(expr, Subscript):
            return self._in_display(file, expr, home, node, method)
        key = session_key(expr)
        session = self._ev.session(file, expr)
        if not key.text or key.scope is None:
            return None
        if session is None and not all(isinstance(v, ParamValue) for v in self._ev.values(file, expr)):
            return None
        return Use(key, home, node, method, session)

    def _in_display(self, file: FileFacts, expr: Subscript, home: FileFacts, node: Node, method: str) -> Use | None:
        """The use of `opened[0]`, where the list or dictionary was made of sessions and nobody changes it."""
        key, function = session_key(expr.value), enclosing_function(expr)
        index = expr.items[0] if len(expr.items) == 1 else None
        made = key.scope.only_value(key.text) if key.scope is not None else None
        if function is None or not isinstance(index, Constant) or key.text in changed_in_place(function):
            return None
        held = [item.value for item in made.items] if isinstance(made, Dict) else getattr(made, "items", ())
        sessions = [self._ev.session(file, item) for item in held]
        session = next((one for one in sessions if one is not None), None)
        if session is None or None in sessions:
            return None
        return Use(SessionKey(f"{key.text}.[{index.value!r}]", key.scope), home, node, method, session)

    def _of_keeper(self, file: FileFacts, keeper: Expr, attr: str, use: Use) -> Iterator[Use]:
        """The use of a session that an object keeps: the one that the object was made with, if that can be seen."""
        given = self._kept.given_to(file, keeper, attr)
        if given is not None:
            named = self._named(file, given, use.file, use.node, use.method)
            if named is not None:
                yield named
            return
        key = session_key(keeper)
        if key.text and key.scope is not None:
            yield Use(SessionKey(f"{key.text}.{attr}", key.scope), use.file, use.node, use.method, use.session)

    def canonical(self, file: FileFacts, use: Use) -> SessionKey:
        """One key for all the ways in which a method gets at the session that its object was made with."""
        root, _, rest = use.key.text.partition(".")
        function = use.key.scope.node if use.key.scope is not None else None
        if not rest or not isinstance(function, FunctionDef) or not isinstance(function.parent, ClassDef):
            return use.key
        own = function.params[0].name if function.params else ""
        found = self._kept.parameter(ClassValue(file, function.parent), rest) if own == root else None
        return use.key if found is None else SessionKey(found[1], found[0].scope)


def _is_rebound(function: FunctionDef, param: str) -> bool:
    """Whether a parameter gets another value, other than in place of `None`."""
    for binding in function.scope.bindings.get(param, []):
        node = node_of(binding)
        if node is not function.param(param) and not _stands_in(node, param):
            return True
    return False


def _stands_in(node: Node, param: str) -> bool:
    """`if session is None: session = …`."""
    parent = node.parent
    while parent is not None and not isinstance(parent, FunctionDef):
        if isinstance(parent, If) and any(isinstance(n, Name) and n.id == param for n in walk(parent.test)):
            return True
        parent = parent.parent
    return False
