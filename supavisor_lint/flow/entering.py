"""What a function knows where it begins: its own decorator has looked it up (`@needs("edit")`), or all its callers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from supavisor_lint.facts.file import FileFacts, enclosing_function, nodes_of_kind, scope_of, walk, walk_own
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import Assign, ClassDef, ExprStmt, FunctionDef, If, Module, Return, Try, With
from supavisor_lint.facts.tree import Argument, Attribute, Block, Call, Constant, Expr, Name, Param, Subscript
from supavisor_lint.flow.memo_words import Words, given_names, given_words, named, named_part, replaced
from supavisor_lint.flow.memos import Asking
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.values import FunctionValue
from supavisor_lint.sources.discovery import is_test_file

_MAX_DEPTH = 3


class Entering:
    """Answers what is known (see `memos`) where a function begins; remembers."""

    def __init__(self, ev: Evaluator, asking: Asking) -> None:
        self._ev = ev
        self._asking = asking
        self._left: dict[tuple[FunctionDef, int], tuple[Words, ...]] = {}
        self._by_callers: dict[tuple[FunctionDef, int], frozenset[Words]] = {}

    def by_decorators(self, file: FileFacts, function: FunctionDef) -> frozenset[str]:
        """What the decorators of a function have looked up where they call it, in its own names."""
        return _joined(self._decorated(file, function))

    def by_callers(self, function: FunctionDef) -> frozenset[str]:
        """What all callers of a function have looked up in front of their calls, in its own names.

        Nothing where there are none, or somebody calls what may be the function, and nobody can tell.
        """
        return _joined(self._called(function, 0))

    def _decorated(self, file: FileFacts, function: FunctionDef) -> Iterator[Words]:
        for decorator in function.decorators:
            if isinstance(decorator, Call):
                made = functions_called(self._ev, file, decorator)
            else:
                made = [value for value in self._ev.values(file, decorator) if isinstance(value, FunctionValue)]
            for value in made[:1]:
                yield from self._by_wrapper(value, function)

    def _by_wrapper(self, decorator: FunctionValue, function: FunctionDef) -> Iterator[Words]:
        for wrapper in nodes_of_kind(decorator.node, FunctionDef):
            call = _call_of_wrapped(wrapper)
            if call is not None:
                names = dict(_params_by_words(wrapper, function))
                yield from named(self._looked_up(decorator.file, wrapper.body, call.order, 0), [names])

    def _called(self, function: FunctionDef, depth: int) -> frozenset[Words]:
        key = (function, depth)
        if key not in self._by_callers:
            self._by_callers[key] = self._of_all_callers(function, depth)
        return self._by_callers[key]

    def _of_all_callers(self, function: FunctionDef, depth: int) -> frozenset[Words]:
        known: frozenset[Words] | None = None
        of_object = isinstance(function.parent, ClassDef)  # a bare name is no method, but a fixture of that name, say
        for path in self._ev.files.calling(function.name, of_object=of_object):  # the cheap ones first: one may do
            file = self._ev.files.peek(path)
            if file is None:
                return frozenset()
            for call in _calls_by_name(file.module).get(function.name, ()):
                functions = functions_called(self._ev, file, call)
                callee = next((f for f in functions if f.node is function), None)
                if callee is None and (functions or _is_a_tests_own(file, call)):
                    continue  # another one of that name
                mine = self._at_call(file, call, callee, depth) if callee is not None else frozenset[Words]()
                known = mine if known is None else known & mine
                if not known:
                    return frozenset()
        return known or frozenset()

    def _at_call(self, file: FileFacts, call: Call, callee: FunctionValue, depth: int) -> frozenset[Words]:
        """What a caller has looked up in front of a call, in the called function's names."""
        caller = enclosing_function(call)
        if caller is None:
            return frozenset()
        known = {*self._decorated(file, caller), *self._looked_up(file, caller.body, call.order, 0)}
        if not known and depth < _MAX_DEPTH:
            known = {*self._called(caller, depth + 1)}
        return named(known, given_names(callee, call))

    def _looked_up(self, file: FileFacts, body: Block, until: int, depth: int) -> Iterator[Words]:
        """What is certainly there in front of a place, in the names of the function that the code is of."""
        for expr in _evaluated(body):
            for node in walk_own(expr):
                if isinstance(node, Call) and node.order < until:
                    for function in functions_called(self._ev, file, node)[:1]:
                        yield from _translated(self._left_by(function, depth + 1), given_words(function, node))

    def _left_by(self, function: FunctionValue, depth: int) -> tuple[Words, ...]:
        """What a function leaves where all goes well, in its own names."""
        key = (function.node, depth)
        if key not in self._left:
            found = [tuple(fact.split()) for fact in self._asking.memo(function.file, function.node).stored.values()]
            if depth < _MAX_DEPTH:
                found += self._looked_up(function.file, function.node.body, _end(function.node), depth)
            self._left[key] = tuple(found)
        return self._left[key]


@kept
def _calls_by_name(module: Module) -> dict[str, list[Call]]:
    found: dict[str, list[Call]] = {}
    for node in walk(module):
        if isinstance(node, Call):
            found.setdefault(last_name(node.func) or "", []).append(node)
    return found


def _is_a_tests_own(file: FileFacts, call: Call) -> bool:
    """Whether a test calls what it was given under that name: pytest's fixture, which is named for what it tests."""
    if not isinstance(call.func, Name) or not is_test_file(file.path):
        return False
    owner = scope_of(call).lookup(call.func.id)
    return owner is not None and all(isinstance(binding, Param) for binding in owner.bindings[call.func.id])


def _joined(facts: Iterable[Words]) -> frozenset[str]:
    return frozenset(map(" ".join, facts))


def _end(function: FunctionDef) -> int:
    """A place behind a function's body."""
    return 1 + max((node.order for statement in function.body for node in walk_own(statement)), default=0)


def _translated(facts: Iterable[Words], names: Mapping[str, Words]) -> Iterator[Words]:
    for fact in facts:
        words = replaced(fact, names)
        if words is not None:
            yield words


def _call_of_wrapped(wrapper: FunctionDef) -> Call | None:
    """The first call, in a nested function itself, of what the function around it was given."""
    around = enclosing_function(wrapper)
    given = {param.name for param in around.params} if around is not None else set()
    calls = (node for statement in wrapper.body for node in walk_own(statement) if isinstance(node, Call))
    wrapped = (call for call in calls if isinstance(call.func, Name) and call.func.id in given)
    return min((call for call in wrapped if _is_from(call.func, around)), key=lambda call: call.order, default=None)


def _is_from(name: Expr, function: FunctionDef | None) -> bool:
    owner = scope_of(name).lookup(name.id) if isinstance(name, Name) else None
    return function is not None and owner is function.scope


def _params_by_words(wrapper: FunctionDef, function: FunctionDef) -> Iterator[tuple[Words, Words]]:
    """The parameters of the decorated function, by the wrapper's words for what they get: `db = kwargs["session"]`."""
    params = [param.name for param in function.params]
    for index, param in enumerate(param for param in wrapper.params if param.kind == "positional"):
        if param.name in params:
            yield (param.name,), (param.name,)
        elif index < len(params):
            yield (param.name,), (params[index],)
    for param in wrapper.params:
        if param.kind == "**":
            yield from (((param.name, named_part(name)), (name,)) for name in params)
    for name, bindings in wrapper.scope.bindings.items():
        value = bindings[0].value if len(bindings) == 1 and isinstance(bindings[0], Assigned) else None
        match value:
            case Call(Attribute(_, "get" | "pop"), (Argument(value=Constant(str(text))), *_)):
                taken = text
            case Subscript(_, (Constant(str(text)),)):
                taken = text
            case _:
                continue
        if taken in params:
            yield (name,), (taken,)


def _evaluated(body: Block) -> Iterator[Node]:
    """What a block certainly evaluates if nothing fails."""
    for statement in body:
        match statement:
            case If(test):
                yield test
            case Assign(value=value) | ExprStmt(value) | Return(value) if value is not None:
                yield value
            case Try(body=inner):
                yield from _evaluated(inner)
            case With(items, inner):
                yield from items
                yield from _evaluated(inner)
            case _:
                continue
