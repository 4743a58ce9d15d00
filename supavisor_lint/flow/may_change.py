"""Whether a call may change objects of a session: it is given some, or runs what can get at them.

Asked for a wary follower only. What is not read may change whatever it is given.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import FileFacts, enclosing_function, scope_of, walk
from supavisor_lint.facts.handlers import is_log_call
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import Assign
from supavisor_lint.facts.tree import (
    Attribute,
    Call,
    Collection,
    Comprehension,
    Dict,
    Expr,
    Lambda,
    Name,
    Subscript,
)
from supavisor_lint.flow.descent import Descent, Function, Place
from supavisor_lint.flow.frame import Frame
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.values import ClassValue, External, FunctionValue, Instance, LambdaValue, Method, Partial

_MAX_DEPTH = 3
# Calls that take objects and leave them as they are: they keep, show or convert them.
_READERS = frozenset(
    {"append", "extend", "add", "put", "put_nowait", "appendleft", "model_validate", "from_orm", "from_attributes"}
    | {"model_dump", "dumps", "format", "join", "get", "index", "count", "write", "writerow", "attributes_for"}
)
# Methods of results, texts and dictionaries, which hardly a row has, unless they only read there, too.
_READING_METHODS = frozenset(
    {"items", "keys", "values", "all", "first", "one", "one_or_none", "unique", "scalars", "scalar", "scalar_one"}
    | {"scalar_one_or_none", "mappings", "fetchall", "fetchone", "fetchmany", "partitions", "tuples", "isoformat"}
    | {"lower", "casefold", "title", "strip", "lstrip", "rstrip", "split", "startswith", "endswith", "timestamp"}
    | {"as_dict", "to_dict", "dict", "_asdict", "model_dump_json"}
)
_CHANGES_IN_PLACE = frozenset({"append", "extend", "insert", "remove", "pop", "clear", "add", "discard"})
_CONTAINERS = frozenset({"list", "dict", "set", "tuple", "sorted", "deque", "defaultdict", "OrderedDict", "all"})
# Where a function stands that these run: by position, or by one of these keywords.
_RUN_AT = {
    **dict.fromkeys(("map", "filter", "reduce", "partial", "to_thread", "starmap", "filterfalse"), 0),
    **dict.fromkeys(("takewhile", "dropwhile", "call_soon", "submit", "run_sync"), 0),
    **dict.fromkeys(("run_in_executor", "accumulate", "groupby", "call_later", "call_at"), 1),
}
_RUN_BY_KEYWORD = frozenset({"key", "default", "func", "function", "callback", "target"})


def may_change(frame: Frame, node: Call) -> bool:
    """Whether a call may change what it is given."""
    return _may_change(frame.ev, frame.file, node, 0)


def runs_what_changes(frame: Frame, node: Call) -> bool:
    """Whether a call is given a function to run that may change things: `sorted(jobs, key=mark)`."""
    return _runs_what_changes(frame.ev, frame.file, node, 0)


def changes_what_it_reaches(frame: Frame, node: Call) -> bool:
    """Whether a call may change objects that no path has followed there: in a display, behind a lambda."""
    descent = descent_of(frame)
    is_given = any(_is_at(descent, argument.value) for argument in node.args)
    is_of = isinstance(node.func, Attribute) and _is_at(descent, node.func.value)
    if (is_given and may_change(frame, node)) or (is_of and _method_may_change(frame.ev, frame.file, node, 0)):
        return True
    if is_log_call(node):
        return False
    called: list[tuple[FileFacts, Function]] = []
    called += [(f.file, f.node) for f in functions_called(frame.ev, frame.file, node)]
    called += _functions(frame.ev, frame.file, node.func) if not called else []
    called += [found for argument in node.args for found in _functions(frame.ev, frame.file, argument.value)]
    seen = descent.names - descent.roots
    changing = [
        function for file, function in called if _changes(frame.ev, file, function, 0, _captured(function, seen))
    ]
    return any(descent.is_of(node.func) or descent.reaches(function) for function in changing)


def descent_of(frame: Frame) -> Descent:
    """What the followed function holds of its sessions."""
    return Descent(Place(frame.ev, frame.file), frame.function, (opened.name for opened in frame.opened.values()))


def _is_at(descent: Descent, expr: Expr) -> bool:
    """Whether an expression may hold objects; a session alone is followed by itself."""
    return not (isinstance(expr, Name) and expr.id in descent.roots) and descent.holds(expr)


def _may_change(ev: Evaluator, file: FileFacts, node: Call, depth: int) -> bool:
    if _runs_what_changes(ev, file, node, depth):
        return True
    if is_log_call(node) or last_name(node.func) in _READERS:
        return False
    functions = functions_called(ev, file, node)
    if functions:
        return any(_changes(ev, function.file, function.node, depth) for function in functions)
    named = _functions(ev, file, node.func)
    if named:
        return any(_changes(ev, home, function, depth) for home, function in named)
    value = ev.only(file, node.func)
    if isinstance(value, External):
        return value.dotted.endswith("setattr")
    return not isinstance(value, ClassValue)


def _method_may_change(ev: Evaluator, file: FileFacts, node: Call, depth: int) -> bool:
    """Whether a method may change its object, of which it is not known what it is."""
    if isinstance(ev.only(file, node.func), Method) or not isinstance(node.func, Attribute):
        return False
    if not functions_called(ev, file, node) and (node.func.attr in _READING_METHODS or _is_container(node.func.value)):
        return _runs_what_changes(ev, file, node, depth)
    return _may_change(ev, file, node, depth)


def _is_container(expr: Expr) -> bool:
    """Whether an expression is a list, or the like, and no row."""
    if isinstance(expr, Call):
        return last_name(expr.func) in _CONTAINERS
    if not isinstance(expr, Name):
        return isinstance(expr, Collection | Dict | Comprehension)
    owner = scope_of(expr).lookup(expr.id)
    bindings = owner.bindings[expr.id] if owner is not None else []
    values = [binding.value if isinstance(binding, Assigned) else None for binding in bindings]
    return bool(values) and all(v is not None and not isinstance(v, Name) and _is_container(v) for v in values)


def _runs_what_changes(ev: Evaluator, file: FileFacts, node: Call, depth: int) -> bool:
    if any(not _functions(ev, file, expr) and _is_open(ev, file, expr) for expr in _callbacks(node)):
        return True
    given = (f for argument in node.args for f in _functions(ev, file, argument.value))
    return any(_changes(ev, home, function, depth) for home, function in given)


def _callbacks(node: Call) -> Iterator[Expr]:
    """What stands where a call takes a function that it runs."""
    at = _RUN_AT.get(last_name(node.func) or "")
    for position, argument in enumerate(node.args):
        if argument.keyword in _RUN_BY_KEYWORD or (position == at and argument.keyword is None and not argument.star):
            yield argument.value


def _is_open(ev: Evaluator, file: FileFacts, expr: Expr) -> bool:
    """Whether nobody knows what a function does that a name means."""
    if not isinstance(expr, Name | Attribute):
        return False
    return not isinstance(ev.only(file, expr), External | ClassValue | Instance)


def _functions(ev: Evaluator, file: FileFacts, expr: Expr) -> list[tuple[FileFacts, Function]]:
    """The functions that an expression may name, each with its file."""
    if isinstance(expr, Lambda):
        return [(file, expr)]
    found: list[tuple[FileFacts, Function]] = []
    for value in ev.values(file, expr) if isinstance(expr, Name | Attribute | Call) else ():
        target = value.target if isinstance(value, Partial) else value
        if isinstance(target, FunctionValue | LambdaValue):
            found.append((target.file, target.node))
    return found


def _captured(function: Function, names: frozenset[str]) -> frozenset[str]:
    """The names around a function that it sees, if it is a nested one."""
    nested = isinstance(function, Lambda) or enclosing_function(function) is not None
    return names - function.scope.bindings.keys() if nested else frozenset()


def _changes(
    ev: Evaluator, file: FileFacts, function: Function, depth: int, captured: frozenset[str] = frozenset()
) -> bool:
    """Whether a function's text sets an attribute of anything, or hands what it is given or captures to what may."""
    if depth > _MAX_DEPTH:
        return True
    given = Descent(Place(ev, file), function, captured | {param.name for param in function.params})
    return any(_is_change(ev, file, given, node, depth) for node in walk(function))


def _is_change(ev: Evaluator, file: FileFacts, given: Descent, node: object, depth: int) -> bool:
    if isinstance(node, Assign):
        return any(_is_foreign_part(target) for target in node.targets)
    if not isinstance(node, Call) or is_log_call(node):
        return False
    if last_name(node.func) == "setattr":
        return True
    called = functions_called(ev, file, node)
    if called:
        return any(_changes(ev, f.file, f.node, depth + 1) for f in called)
    if any(given.holds(argument.value) for argument in node.args):
        return _may_change(ev, file, node, depth + 1)
    if _is_on_what_is_given(given, node) and _method_may_change(ev, file, node, depth + 1):
        return True
    return _is_change_in_place(node)


def _is_on_what_is_given(given: Descent, node: Call) -> bool:
    owner = node.func.value if isinstance(node.func, Attribute) else None
    return owner is not None and not (isinstance(owner, Name) and owner.id in ("self", "cls")) and given.holds(owner)


def _is_change_in_place(node: Call) -> bool:
    """`job.tags.append(…)`: what an attribute of something holds is changed."""
    owner = node.func.value if isinstance(node.func, Attribute) else None
    if not isinstance(owner, Attribute) or last_name(node.func) not in _CHANGES_IN_PLACE:
        return False
    return not (isinstance(owner.value, Name) and owner.value.id in ("self", "cls"))


def _is_foreign_part(target: Expr) -> bool:
    """An attribute (or an element of one) of something; elements of a plain name are some dict's."""
    if isinstance(target, Subscript):
        return isinstance(target.value, Attribute)
    return isinstance(target, Attribute)
