"""Switches of an object: constants that it is made with, or that its class sets: `Repo(session, autocommit=False)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from supavisor_lint.facts.file import nodes_of_kind
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import Assign, ClassDef, FunctionDef
from supavisor_lint.facts.tree import Argument, Attribute, Call, Constant, Expr, Name, Subscript
from supavisor_lint.flow.values import ConstantRef, Flags, Tracked
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.members import self_assignments
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.project.values import ClassValue, External, FunctionValue

_MAX_DEPTH = 4
_RECORD_BASES = frozenset({"pydantic.BaseModel", "typing.NamedTuple", "pydantic_settings.BaseSettings"})
_RECORD_MAKERS = frozenset({"dataclass", "define", "frozen"})
_SPECIAL = frozenset({"__new__", "__getattr__", "__getattribute__", "__setattr__", "__post_init__", "model_post_init"})
_BY_NAME = frozenset({"setattr", "vars", "__dict__", "__setattr__"})

Given: TypeAlias = Mapping[str, ConstantRef]


def flags_of(ev: Evaluator, cls: ClassValue, args: tuple[Argument, ...], values: Mapping[int, Tracked]) -> Flags:
    """The attributes of a new object that are constants, and which; `values` are those of the arguments, by id.

    None that anything but one assignment of the class sets.
    """
    line = _line(ev, cls)
    if line is None or any(argument.star for argument in args):
        return ()
    found = _of_class(line)
    init = _init_of(line)
    if init is not None:
        index, function = init
        _add_own(line, index, function.node, _given(function, args, values), found)
    elif _is_record(ev, line) and (len(line) == 1 or all(argument.keyword for argument in args)):
        _add_fields(line[0].node, args, values, found)
    elif args:
        return ()
    return tuple(sorted(found.items(), key=lambda item: item[0]))


def flag(flags: Flags, attr: str) -> ConstantRef | None:
    """The constant that an attribute is, if that is known."""
    return next((value for name, value in flags if name == attr), None)


def literal(expr: Expr | None) -> ConstantRef | None:
    """What `True`, `False` or `None` is; None for anything else."""
    if isinstance(expr, Constant) and (expr.value is None or isinstance(expr.value, bool)):
        return ConstantRef(expr.value)
    return None


def _line(ev: Evaluator, cls: ClassValue) -> list[ClassValue] | None:
    """A class and those that it derives from, one from the other; None where one of them is not plain."""
    found = [cls]
    while True:
        if not _is_plain(found[-1].node) or len(found) > _MAX_DEPTH:
            return None
        bases = [ev.only(found[-1].file, b.value if isinstance(b, Subscript) else b) for b in found[-1].node.bases]
        ours = [base for base in bases if isinstance(base, ClassValue)]
        if len(ours) > 1 or any(not isinstance(base, ClassValue | External) for base in bases):
            return None
        if not ours:
            return found
        found += ours


@kept
def _is_plain(cls: ClassDef) -> bool:
    """Whether a class sets its attributes by assignments alone: no `setattr(self, …)`, `self.__dict__.update(…)`."""
    methods = [method for method in cls.body if isinstance(method, FunctionDef)]
    named = {node.id for method in methods for node in nodes_of_kind(method, Name)}
    named |= {node.attr for method in methods for node in nodes_of_kind(method, Attribute)}
    return _SPECIAL.isdisjoint(cls.scope.bindings) and _BY_NAME.isdisjoint(named)


def _of_class(line: list[ClassValue]) -> dict[str, ConstantRef]:
    """`autocommit = False` in the body of a class; what a derived one says goes first."""
    found: dict[str, ConstantRef] = {}
    for cls in reversed(line):
        for name, bindings in cls.node.scope.bindings.items():
            value = literal(bindings[0].value) if isinstance(bindings[0], Assigned) else None
            found.pop(name, None)
            if value is not None and len(bindings) == 1:
                found[name] = value
    return {name: value for name, value in found.items() if not any(_is_set(cls, name) for cls in line)}


def _is_set(cls: ClassValue, name: str) -> bool:
    """Whether a method sets an attribute of its object, or the module that of the class: `Repo.autocommit = True`."""
    named = (node for node in cls.file.attributes.get(name, ()) if last_name(node.value) == cls.node.name)
    return name in self_assignments(cls.node) or any(
        isinstance(node.parent, Assign) and node in node.parent.targets for node in named
    )


def _init_of(line: list[ClassValue]) -> tuple[int, FunctionValue] | None:
    """The `__init__` of the first class that has one, with the position (0-based) of that class."""
    for index, cls in enumerate(line):
        bindings = cls.node.scope.bindings.get("__init__", [])
        if bindings:
            init = bindings[0]
            return (index, FunctionValue(cls.file, init, bound=True)) if isinstance(init, FunctionDef) else None
    return None


def _given(function: FunctionValue, args: tuple[Argument, ...], values: Mapping[int, Tracked]) -> Given:
    """The parameters of a call that are constants, given or by default, and never bound again."""
    bound = bind_arguments(function, args)
    found: dict[str, ConstantRef] = {}
    for param in function.node.params:
        if len(function.node.scope.bindings[param.name]) > 1:
            continue
        expr = bound.get(param.name)
        known = values.get(id(expr)) if expr is not None else None
        value = known if isinstance(known, ConstantRef) else literal(expr or param.default)
        if value is not None:
            found[param.name] = value
    return found


def _add_own(
    line: list[ClassValue], index: int, init: FunctionDef, given: Given, found: dict[str, ConstantRef]
) -> None:
    """What `__init__` sets, `self.autocommit = autocommit`, and what the one does that it calls."""
    for attr, pairs in self_assignments(line[index].node).items():
        value = pairs[0][0]
        constant = given.get(value.id) if isinstance(value, Name) else literal(value)
        is_only = sum(len(self_assignments(cls.node).get(attr, ())) for cls in line) == 1
        is_certain = value is not None and value.parent in init.body  # under no condition
        if is_only and constant is not None and is_certain:
            found[attr] = constant
    rest = line[index + 1 :]
    inherited = _init_of(rest)
    calls = [call for call in nodes_of_kind(init, Call) if _calls_super(call)]
    if inherited is None or len(calls) != 1 or any(argument.star for argument in calls[0].args):
        return
    position, function = inherited
    names = [a.value for a in calls[0].args if isinstance(a.value, Name)]
    values: dict[int, Tracked] = {id(name): given[name.id] for name in names if name.id in given}
    _add_own(rest, position, function.node, _given(function, calls[0].args, values), found)


def _calls_super(call: Call) -> bool:
    """`super().__init__(session)`."""
    func = call.func
    if not isinstance(func, Attribute) or func.attr != "__init__":
        return False
    return isinstance(func.value, Call) and last_name(func.value.func) == "super"


# ------------------------------------------------------------------------------------------------------- dataclasses


def _is_record(ev: Evaluator, line: list[ClassValue]) -> bool:
    """Whether the fields of a class are the parameters of what makes its instances."""
    cls = line[-1]
    bases = [ev.only(cls.file, base) for base in cls.node.bases]
    if any(isinstance(base, External) and base.dotted in _RECORD_BASES for base in bases):
        return True
    makers = [d.func if isinstance(d, Call) else d for c in line for d in c.node.decorators]
    return bool(makers) and all(last_name(maker) in _RECORD_MAKERS for maker in makers)


def _add_fields(
    cls: ClassDef, args: tuple[Argument, ...], values: Mapping[int, Tracked], found: dict[str, ConstantRef]
) -> None:
    """What the arguments give instead of the defaults; those without a name are for the fields in their order."""
    fields = [
        a.targets[0].id for a in cls.body if isinstance(a, Assign) and a.annotation and isinstance(a.targets[0], Name)
    ]
    for position, argument in enumerate(args):
        name = argument.keyword or (fields[position] if position < len(fields) else "")
        found.pop(name, None)
        known = values.get(id(argument.value))
        value = known if isinstance(known, ConstantRef) else literal(argument.value)
        if value is not None:
            found[name] = value
