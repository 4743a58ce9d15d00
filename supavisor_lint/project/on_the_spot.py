"""Which factories live and die inside one function, and which does it hand out?"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import enclosing_function, nodes_of_kind, scope_of
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import Assign, ExprStmt, FunctionDef
from supavisor_lint.facts.tree import Attribute, Call, Collection, Dict, Expr, Name
from supavisor_lint.project.vocabulary import SCOPED_MAKERS


def is_on_the_spot(call: Call) -> bool:
    """Whether a factory is made inside a function, kept in a plain local name or called at once, and not handed out."""
    function = enclosing_function(call)
    if function is None:
        return False
    parent = call.parent
    if isinstance(parent, Call):
        return parent.func is call
    if isinstance(parent, Attribute):
        return True
    if isinstance(parent, Assign) and all(isinstance(t, Name) for t in parent.targets):
        names = {t.id for t in parent.targets if isinstance(t, Name)}
        return names.isdisjoint(scope_of(call).globals | set(_handed_out(function)) | _scoped_names(function))
    return False


def _scoped_names(function: FunctionDef) -> set[str]:
    """The names in a function that go into an `async_scoped_session`: that is the factory then."""
    makers = {dotted.rpartition(".")[2] for dotted in SCOPED_MAKERS}
    calls = [call for call in nodes_of_kind(function, Call) if last_name(call.func) in makers]
    return {a.value.id for call in calls for a in call.args if isinstance(a.value, Name)}


def _handed_out(function: FunctionDef) -> Iterator[str]:
    """The names whose values leave a function: returned or yielded, also as a part of something, or kept elsewhere.

    `container.register(factory)`, a statement of its own, keeps it.

    A function that is handed out takes the names with it that it reads.
    """
    nested = {inner.name: inner for inner in nodes_of_kind(function, FunctionDef)}
    given = [*function.results, *(node.value for node in function.yields if node.value is not None)]
    given += [
        assign.value
        for assign in nodes_of_kind(function, Assign)
        if assign.value is not None and not all(isinstance(target, Name) for target in assign.targets)
    ]
    given += [a.value for call in nodes_of_kind(function, Call) if isinstance(call.parent, ExprStmt) for a in call.args]
    for expr in given:
        for name in _carried(expr):
            yield name
            if name in nested:
                yield from (read.id for read in nodes_of_kind(nested[name], Name))


def _carried(expr: Expr) -> Iterator[str]:
    """The names that an expression passes on: `mk`, `(engine, mk)`, `{"mk": mk}`, `Database(engine, mk)`."""
    match expr:
        case Name(name):
            yield name
        case Collection(items):
            for item in items:
                yield from _carried(item)
        case Dict(items):
            for pair in items:
                yield from _carried(pair.value)
        case Call(args=args):
            for argument in args:
                yield from _carried(argument.value)
