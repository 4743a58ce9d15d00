"""Objects that keep the sessions they are made with: `JobRepository(session)`, `Service(session=session)`.

What their methods do with such a session happens to the session of whoever made them, as with an argument.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from supavisor_lint.facts.file import nodes_in
from supavisor_lint.facts.spelling import is_spelled_like_class, last_name
from supavisor_lint.facts.statements import Assign, ClassDef, FunctionDef
from supavisor_lint.facts.tree import Argument, Attribute, Call, Expr, Name, Subscript
from supavisor_lint.flow.flags import flag, flags_of
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.values import ANYTHING, Flags, KeeperRef, RecordRef, SessionRef, Tracked
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.members import member, self_assignments
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.project.values import ClassValue, External, FunctionValue, Instance

_MAX_DEPTH = 4
_PLAIN_BASES = frozenset(
    {"builtins.object", "abc.ABC", "typing.Generic", "typing.Protocol", "typing_extensions.Protocol"}
)
_SPECIAL = frozenset({"__new__", "__getattr__", "__getattribute__", "__setattr__", "__post_init__"})


@dataclass(slots=True)
class Kept:
    """What the instances of a class keep: attributes, each with the parameter of `init` that it is, or a part.

    `others` are the parameters that something else may get as well.
    """

    cls: ClassValue
    init: FunctionValue
    attributes: dict[str, str | Part] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Part:
    """`self.jobs = JobRepository(session)`: what that keeps, and which parameter is given for which of its own."""

    kept: Kept
    given: tuple[tuple[str, str], ...]


def made_with(frame: Frame, node: Call, given: list[Tracked]) -> Tracked:
    """What a call gives that makes an object of the project with sessions, where it does nothing but keep them."""
    if frame.follower.wary or not any(isinstance(value, SessionRef | KeeperRef) for value in given):
        return ANYTHING
    made = frame.ev.only(frame.file, node.func)  # what only hands one on is followed
    if not isinstance(made, ClassValue) or any(a.star for a in node.args):
        return ANYTHING
    known = frame.follower.keepers
    if made.node not in known:
        known[made.node] = _kept_by(frame.ev, made)
    kept = known[made.node]
    keeper = ANYTHING if kept is None else _made(kept, node, given)
    return replace(keeper, flags=made_flags(frame, node, made, given)) if isinstance(keeper, KeeperRef) else keeper


def record_of(frame: Frame, node: Call, given: list[Tracked]) -> Tracked:
    """What a call gives that makes an object of the project with constants: `Options(commit=False)`."""
    if frame.follower.wary or not is_spelled_like_class(node.func):
        return ANYTHING
    made = frame.ev.only(frame.file, node.func)
    flags = made_flags(frame, node, made, given) if isinstance(made, ClassValue) else ()
    return RecordRef(flags) if flags else ANYTHING


def made_flags(frame: Frame, node: Call, cls: ClassValue, given: list[Tracked]) -> Flags:
    """The constants that a new object has."""
    values = {id(argument.value): value for argument, value in zip(node.args, given, strict=True)}
    return flags_of(frame.ev, cls, node.args, values)


def _made(kept: Kept, node: Call, given: list[Tracked]) -> Tracked:
    values = {id(argument.value): value for argument, value in zip(node.args, given, strict=True)}
    bound = {name: values[id(expr)] for name, expr in bind_arguments(kept.init, node.args).items()}
    sessions = {name: value for name, value in bound.items() if isinstance(value, SessionRef | KeeperRef)}
    handed = sum(isinstance(value, SessionRef | KeeperRef) for value in given)
    if len(sessions) != handed or not kept.others.isdisjoint(sessions):
        return ANYTHING
    return _filled(kept, sessions)


def _filled(kept: Kept, given: Mapping[str, SessionRef | KeeperRef]) -> KeeperRef:
    found: dict[str, SessionRef | KeeperRef] = {}
    for attr, source in kept.attributes.items():
        if isinstance(source, Part):
            inner = _filled(source.kept, {own: given[outer] for own, outer in source.given if outer in given})
            if inner.kept:
                found[attr] = inner
        elif source in given:
            found[attr] = given[source]
    return KeeperRef(kept.cls, tuple(sorted(found.items(), key=lambda item: item[0])))


def method_of(frame: Frame, keeper: KeeperRef, name: str) -> list[FunctionValue]:
    """The method that such an object runs: the one of its own class, whatever the caller knows of that."""
    return [v for v in member(frame.ev, Instance(keeper.cls), name) if isinstance(v, FunctionValue)]


def attribute_of(keeper: KeeperRef, attr: str) -> Tracked:
    """What an attribute of such an object holds."""
    return next((value for name, value in keeper.kept if name == attr), flag(keeper.flags, attr) or ANYTHING)


def may_be_code(ev: Evaluator, cls: ClassValue, attr: str, depth: int = 0) -> bool:
    """Whether an attribute of such an object is a property or a method: whoever has it may use the sessions."""
    bindings = cls.node.scope.bindings.get(attr, [])
    bases = (_bases(ev, cls) or []) if depth < _MAX_DEPTH else []
    return any(isinstance(b, FunctionDef) for b in bindings) or any(may_be_code(ev, b, attr, depth + 1) for b in bases)


# ------------------------------------------------------------------------------------------------- reading the class


def _kept_by(ev: Evaluator, cls: ClassValue, depth: int = 0) -> Kept | None:
    """What a class keeps of what its instances are made with; None where that is not plain to see."""
    if depth > _MAX_DEPTH or cls.node.decorators or not _SPECIAL.isdisjoint(cls.node.scope.bindings):
        return None
    bases = _bases(ev, cls)
    if bases is None:
        return None
    bindings = cls.node.scope.bindings.get("__init__", [])
    if not bindings:
        return _inherited(ev, cls, bases, depth)
    init = bindings[0]
    if len(bindings) > 1 or not isinstance(init, FunctionDef) or not init.params or init.decorators:
        return None
    kept = Kept(cls, FunctionValue(cls.file, init, bound=True))
    for param in init.params[1:]:
        for use in nodes_in(init):
            if isinstance(use, Name) and use.id == param.name:
                found = _kept_here(ev, cls, bases, use, depth)
                kept.attributes.update(found or {})
                kept.others |= set() if found is not None else {param.name}
    return kept


def _bases(ev: Evaluator, cls: ClassValue) -> list[ClassValue] | None:
    """The classes of the project that a class stands on; None where one is not known."""
    found: list[ClassValue] = []
    for base in cls.node.bases:
        value = ev.only(cls.file, base.value if isinstance(base, Subscript) else base)
        if isinstance(value, ClassValue):
            found.append(value)
        elif not isinstance(value, External) or value.dotted not in _PLAIN_BASES:
            return None
    return found


def _inherited(ev: Evaluator, cls: ClassValue, bases: list[ClassValue], depth: int) -> Kept | None:
    """What the `__init__` of the base keeps, but for the attributes that the class sets itself."""
    kept = _kept_by(ev, bases[0], depth + 1) if len(bases) == 1 else None
    if kept is None:
        return None
    rebound = {*self_assignments(cls.node), *cls.node.scope.bindings}
    lost = {name for attr, source in kept.attributes.items() if attr in rebound for name in _names(source)}
    attributes = {attr: source for attr, source in kept.attributes.items() if attr not in rebound}
    return Kept(cls, kept.init, attributes, kept.others | lost)


def _names(source: str | Part) -> Iterator[str]:
    """The parameters that an attribute is filled from."""
    if isinstance(source, Part):
        yield from (outer for _, outer in source.given)
    else:
        yield source


def _kept_here(
    ev: Evaluator, cls: ClassValue, bases: list[ClassValue], use: Name, depth: int
) -> dict[str, str | Part] | None:
    """The attributes that one use of a parameter in `__init__` fills; None for any other use."""
    if isinstance(use.parent, Assign):
        attr = _own_attribute(cls.node, use.parent, use)
        return None if attr is None else {attr: use.id}
    call = use.parent.parent if isinstance(use.parent, Argument) else None
    if not isinstance(call, Call) or any(argument.star for argument in call.args):
        return None
    if _calls_super(call):
        inner = _inherited(ev, cls, bases, depth)
        name = None if inner is None else _parameter(inner, call, use)
        return None if inner is None or name is None else _renamed(inner, name, use.id)
    attr = _own_attribute(cls.node, call.parent, call) if isinstance(call.parent, Assign) else None
    made = ev.only(cls.file, call)
    if attr is None or not isinstance(made, Instance) or not isinstance(made.of, ClassValue):
        return None
    inner = _kept_by(ev, made.of, depth + 1)
    name = None if inner is None else _parameter(inner, call, use)
    return None if inner is None or name is None else {attr: Part(inner, ((name, use.id),))}


def _parameter(kept: Kept, call: Call, use: Expr) -> str | None:
    """The parameter of `__init__` that gets a use of a name, where nothing but attributes gets it there."""
    name = next((name for name, given in bind_arguments(kept.init, call.args).items() if given is use), None)
    return None if name in kept.others else name


def _renamed(kept: Kept, name: str, outer: str) -> dict[str, str | Part]:
    """The inherited attributes that are filled from one parameter, by the name that the class's own `__init__` has."""
    found: dict[str, str | Part] = {}
    for attr, source in kept.attributes.items():
        if isinstance(source, Part) and name in _names(source):
            found[attr] = Part(source.kept, tuple((own, outer) for own, known in source.given if known == name))
        elif source == name:
            found[attr] = outer
    return found


def _own_attribute(cls: ClassDef, statement: Assign, value: Expr) -> str | None:
    """`self.session = session`: the attribute, where the class sets it nowhere else."""
    target = statement.targets[0] if len(statement.targets) == 1 else None
    if statement.value is not value or not isinstance(target, Attribute) or not isinstance(target.value, Name):
        return None
    is_only = len(self_assignments(cls).get(target.attr, ())) == 1 and target.attr not in cls.scope.bindings
    return target.attr if is_only else None


def _calls_super(call: Call) -> bool:
    """`super().__init__(session)`."""
    func = call.func
    if not isinstance(func, Attribute) or func.attr != "__init__":
        return False
    return isinstance(func.value, Call) and last_name(func.value.func) == "super"
