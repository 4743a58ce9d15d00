"""Sessions that several coroutines use at the same time: `gather`, `wait`, tasks, task groups (SUP204)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from supavisor_lint.facts.file import FileFacts, enclosing_function, nodes_of_kind
from supavisor_lint.facts.handlers import own_nodes_in
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Entered
from supavisor_lint.facts.statements import ClassDef, FunctionDef, With
from supavisor_lint.facts.tree import Attribute, Await, Call, Expr, Name
from supavisor_lint.flow.locks import is_locked
from supavisor_lint.flow.operations import OPENED_HERE, SessionFlow
from supavisor_lint.flow.overlapping import overlap, runs_at
from supavisor_lint.flow.session_keys import SessionKey, session_key
from supavisor_lint.flow.session_uses import SessionUses, Use
from supavisor_lint.flow.started import TASK_MAKERS, Start, Starts, loop_around
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.project.structured import is_collected, waiting
from supavisor_lint.project.values import ClassValue, External, FunctionValue, Instance, Session
from supavisor_lint.project.vocabulary import STRUCTURED_GROUPS

GATHER = frozenset({"asyncio.gather", "asyncio.tasks.gather"})
_WAIT = frozenset({"asyncio.wait", "asyncio.as_completed", "asyncio.tasks.wait", "asyncio.tasks.as_completed"})
_GROUPS = STRUCTURED_GROUPS | {"anyio.create_task_group", "anyio.abc.TaskGroup", "trio.open_nursery"}
_IN_GROUP = frozenset({"create_task", "start_soon", "start"})
_NAMES = frozenset({"gather", "wait", "as_completed", "ensure_future"}) | _IN_GROUP


@dataclass(frozen=True, slots=True)
class Shared:
    """One session that several coroutines use at once: the concurrent call, and each start with its first use."""

    node: Expr
    session: Session
    key: SessionKey
    used: tuple[tuple[Start, Use], ...]

    @property
    def name(self) -> str:
        """The session as the concurrent code knows it."""
        return self.used[-1][1].key.text.replace(".[", "[")


class Concurrency:
    """Finds the shared sessions of one file."""

    def __init__(self, flow: SessionFlow, uses: SessionUses, file: FileFacts) -> None:
        self._ev = flow.ev
        self._uses = uses
        self._file = file

    def shared(self) -> Iterator[tuple[FunctionDef, Shared]]:
        """The sessions shared by concurrent calls, each with the function that makes the call."""
        functions = {enclosing_function(call): None for call in self._file.calls if _last_name(call) in _NAMES}
        for function in functions:
            if function is not None:
                for shared in self._in_function(function):
                    yield function, shared

    def _in_function(self, function: FunctionDef) -> Iterator[Shared]:
        starts = Starts(self._ev, self._uses, self._file, function)
        named = (n for n in own_nodes_in(function) if isinstance(n, Call) and _last_name(n) in _NAMES)
        calls = sorted(named, key=lambda call: call.order)
        consumed: set[Node] = set()
        for call in calls:
            together = list(self._together(starts, call))
            found = self._among(together, call)
            if found is not None:
                yield found
                consumed.update(start.node for start in together)
        spawned = [start for call in calls if call not in consumed for start in self._spawned(starts, call)]
        ours = [s for s in spawned if self._is_ours(s)]
        found = self._among(ours, None) or self._meanwhile(ours, function)
        if found is not None:
            yield found
        for group in self._groups(calls).values():
            tasks = [start for call in group for start in self._in_group(starts, call)]
            found = self._among(tasks, None) or self._beside(tasks, group[0])
            if found is not None:
                yield found

    # ---------------------------------------------------------------------------------------------------- starts

    def _together(self, starts: Starts, call: Call) -> Iterator[Start]:
        """What `gather`, `wait` or `as_completed` runs."""
        names = {v.dotted for v in self._ev.values(self._file, call.func) if isinstance(v, External)}
        if names & GATHER:
            for argument in call.args:
                if argument.star == "*":
                    yield from starts.many(argument.value, call)
                elif argument.keyword is None and not argument.star:
                    yield from starts.one(argument.value)
        elif names & _WAIT:
            tasks = call.argument(0, "fs")
            if tasks is not None:
                yield from starts.many(tasks, call)

    def _spawned(self, starts: Starts, call: Call) -> Iterator[Start]:
        """What `create_task` starts."""
        names = {v.dotted for v in self._ev.values(self._file, call.func) if isinstance(v, External)}
        coroutine = starts.task_argument(call) if not names or names & TASK_MAKERS else None
        if coroutine is not None:
            waits = waiting(call)
            loop = loop_around(call)
            if waits is call or (loop is not None and loop.contains(waits) and not is_collected(call)):
                loop = None
            for start in starts.one(coroutine, loop):
                yield Start(call, start.uses, start.loop)

    def _groups(self, calls: Iterable[Call]) -> dict[object, list[Call]]:
        """The calls that start something in a task group, by group."""
        found: dict[object, list[Call]] = {}
        for call in calls:
            if isinstance(call.func, Attribute) and call.func.attr in _IN_GROUP:
                group = self._group(call.func.value, call)
                if group is not None:
                    found.setdefault(group, []).append(call)
        return found

    def _group(self, receiver: Expr, call: Call) -> object | None:
        """The task group that an expression is: the block that opens it, or the variable that holds it."""
        key = session_key(receiver)
        value = self._ev.only(self._file, receiver)
        if isinstance(value, Instance) and isinstance(value.of, External) and value.of.dotted in _GROUPS:
            return key
        bindings = key.scope.bindings.get(key.text, []) if key.scope is not None else []
        if not bindings or not all(isinstance(b, Entered) and self._opens_group(b.context) for b in bindings):
            return None
        return _block_binding(call, key.text) or key

    def _opens_group(self, context: Expr) -> bool:
        value = self._ev.only(self._file, context)
        return isinstance(value, Instance) and isinstance(value.of, External) and value.of.dotted in _GROUPS

    def _in_group(self, starts: Starts, call: Call) -> Iterator[Start]:
        work = call.argument(0, "coro")
        if work is None or not isinstance(call.func, Attribute):
            return
        block = _block_binding(call, session_key(call.func.value).text)
        loop = loop_around(call)
        if loop is not None and ((block is not None and loop.contains(block)) or waiting(call) is call):
            loop = None
        if call.func.attr == "create_task":
            for start in starts.one(work, loop):
                yield Start(call, start.uses, start.loop)
        else:
            yield Start(call, tuple(self._uses.of_callable(self._file, work, call.args[1:])), loop)

    def _beside(self, tasks: list[Start], first: Call) -> Shared | None:
        """The first session of a group's tasks that the body of its block uses while they run."""
        name = session_key(first.func.value).text if isinstance(first.func, Attribute) else ""
        block, function = _block_binding(first, name), enclosing_function(first)
        if block is None or function is None:
            return None
        for call in nodes_of_kind(function, Call):
            earlier = [task for task in tasks if task.node.order < call.order and not call.contains(task.node)]
            found = self._joining(earlier, call) if _is_in_body(call, block) else None
            if found is not None:
                return found
        return None

    def _meanwhile(self, tasks: list[Start], function: FunctionDef) -> Shared | None:
        """The first session of some tasks that the function itself uses before it waits for them."""
        for call in nodes_of_kind(function, Call) if tasks else ():
            running = [task for task in tasks if runs_at(task, call)]
            found = self._joining(running, call) if enclosing_function(call) is function else None
            if found is not None:
                return found
        return None

    def _joining(self, running: list[Start], call: Call) -> Shared | None:
        """The session that a call, which is awaited, uses together with one of the tasks that run."""
        if not running or not isinstance(call.parent, Await) or is_locked(self._ev, self._file, call):
            return None
        later = Start(call, tuple(self._uses.of_call(self._file, call)), None)
        return next((s for task in running if (s := self._among([task, later], None)) is not None), None)

    def _is_ours(self, start: Start) -> bool:
        """A task that nobody awaits is SUP202's with a request's session, and SUP201's with one of the module."""
        if waiting(start.node) is not None:
            return True
        return all(_is_opened_by_a_function(use) for use in start.uses)

    # --------------------------------------------------------------------------------------------------- sharing

    def _among(self, starts: list[Start], node: Call | None) -> Shared | None:
        """The first session that several of these use at once; reported at `node`, else at the start that joins in."""
        by_key: dict[SessionKey, list[tuple[Start, Use]]] = {}
        for start in starts:
            keys: set[SessionKey] = set()
            for use in start.uses:
                key = self._uses.canonical(self._file, use)
                if key not in keys:
                    keys.add(key)
                    by_key.setdefault(key, []).append((start, use))
        for key, used in by_key.items():
            session = self._session(used)
            together = overlap(key, used, by_hand=node is None) if session is not None else ()
            if session is not None and together:
                return Shared(node or together[-1][0].node, session, key, together)
        return None

    def _session(self, used: Iterable[tuple[Start, Use]]) -> Session | None:
        """The session that is used; a parameter without a type is one if a call in this file passes one."""
        keys: dict[SessionKey, None] = {}
        for _, use in used:
            if use.session is not None:
                return use.session
            keys[self._uses.canonical(self._file, use)] = None
        return next((s for key in keys if (s := self._passed(key)) is not None), None)

    def _passed(self, key: SessionKey) -> Session | None:
        function = key.scope.node if key.scope is not None else None
        if not isinstance(function, FunctionDef) or function.param(key.text) is None:
            return None
        if function.name == "__init__" and isinstance(function.parent, ClassDef):
            return self._made_with(function, function.parent, key.text)
        for call in self._file.calls:
            if _last_name(call) == function.name:
                for value in self._ev.values(self._file, call.func):
                    if isinstance(value, FunctionValue) and value.node is function:
                        given = bind_arguments(value, call.args).get(key.text)
                        session = self._ev.session(self._file, given) if given is not None else None
                        if session is not None:
                            return session
        return None

    def _made_with(self, init: FunctionDef, cls: ClassDef, param: str) -> Session | None:
        """The session that a call in this file makes an object of a class with."""
        for call in self._file.calls:
            if _last_name(call) == cls.name:
                for value in self._ev.values(self._file, call):
                    if isinstance(value, Instance) and isinstance(value.of, ClassValue) and value.of.node is cls:
                        made = FunctionValue(value.of.file, init, bound=True)
                        given = bind_arguments(made, call.args).get(param)
                        session = self._ev.session(self._file, given) if given is not None else None
                        if session is not None:
                            return session
        return None


def _block_binding(call: Call, name: str) -> With | None:
    """The `async with … as name` around a call."""
    parent = call.parent
    while parent is not None and not isinstance(parent, FunctionDef):
        if isinstance(parent, With) and any(_binds(item.target, name) for item in parent.items):
            return parent
        parent = parent.parent
    return None


def _is_in_body(node: Node, block: With) -> bool:
    """Whether a node stands in a block itself, and in no function nested there."""
    return enclosing_function(node) is enclosing_function(block) and any(part.contains(node) for part in block.body)


def _is_opened_by_a_function(use: Use) -> bool:
    scope = use.key.scope
    is_local = scope is not None and scope.kind == "function"
    return is_local and use.session is not None and use.session.source in OPENED_HERE


def _binds(target: Expr | None, name: str) -> bool:
    return isinstance(target, Name) and target.id == name


def _last_name(call: Call) -> str:
    func = call.func
    return func.attr if isinstance(func, Attribute) else func.id if isinstance(func, Name) else ""
