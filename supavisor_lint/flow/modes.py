"""Which of several constants something is: a text, a number, the member of an enumeration that a helper is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from supavisor_lint.facts.file import FileFacts, nodes_of_kind, scope_of
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import ClassDef, FunctionDef, Match, MatchCase
from supavisor_lint.facts.tree import Attribute, Call, Collection, Constant, Expr, Name, Operation, Other
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.lifetimes import returned_constants
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import ANYTHING, ConstantRef, ModeRef, Tracked
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.values import ClassValue, External, Literally

_ENUMS = frozenset({"enum.Enum", "enum.IntEnum", "enum.StrEnum"})
_COMPARING = frozenset({"==", "!=", "is", "is not", "in", "not in"})
_NONE = ConstantRef(None)

Answer: TypeAlias = bool | None


def mode_of(ev: Evaluator, file: FileFacts, expr: Expr) -> Tracked:
    """What an expression of constants gives: `"flush"`, `Mode.FLUSH`, a name that is bound to one once."""
    if isinstance(expr, Constant):
        return _constant(expr.value)
    if isinstance(expr, Attribute):
        owner = ev.only(file, expr.value)
        return member_of(ev, owner, expr.attr) if isinstance(owner, ClassValue) else ANYTHING
    if isinstance(expr, Name):
        found = scope_of(expr).lookup(expr.id)
        bindings = found.bindings[expr.id] if found is not None else []
        value = getattr(bindings[0], "value", None) if len(bindings) == 1 else None
        if isinstance(value, Constant | Attribute):
            return mode_of(ev, file, value)
        known = ev.only(file, expr) if found is not None and found.kind == "module" else None
        return _constant(known.value) if isinstance(known, Literally) else ANYTHING
    return ANYTHING


def assigned(frame: Frame, target: Expr, expr: Expr, value: Tracked) -> Tracked:
    """What a target gets: also the constant, where the function asks which one the name is (`state = "save"`)."""
    if value is not ANYTHING or not isinstance(target, Name) or target.id not in _asked_for(frame.function):
        return value
    return word_of(frame, expr) if target.id in frame.life.tested else ANYTHING


def word_of(frame: Frame, expr: Expr) -> Tracked:
    """The text or member of an enumeration that an expression is: a number may count something."""
    if not isinstance(expr, Constant | Attribute | Name):
        return ANYTHING
    mode = mode_of(frame.ev, frame.file, expr)
    return ANYTHING if isinstance(mode, ModeRef) and mode.word.isdecimal() else mode


@kept
def _asked_for(function: FunctionDef) -> frozenset[str]:
    """The local names of a function that it compares with something, or matches, or whose constants it returns."""
    sides = [test.parts[0] for test in nodes_of_kind(function, Operation) if test.op in _COMPARING]
    asked = [*sides, *(match.subject for match in nodes_of_kind(function, Match))]
    names = {expr.id for expr in asked if isinstance(expr, Name)} | returned_constants(function)
    return frozenset(names.difference(function.scope.globals, function.scope.nonlocals))


def _constant(value: object) -> Tracked:
    if isinstance(value, str | int) and not isinstance(value, bool):
        return ModeRef(None, repr(value), bool(value))
    return ANYTHING


def member_of(ev: Evaluator, cls: ClassValue, name: str) -> Tracked:
    """The member of an enumeration, by the first name that it has."""
    bases = [ev.only(cls.file, base) for base in cls.node.bases]
    if not any(isinstance(base, External) and base.dotted in _ENUMS for base in bases):
        return ANYTHING
    mine = _value(cls.node, name)
    if "__eq__" in cls.node.scope.bindings or not all(_is_told(cls.node, member) for member in cls.node.scope.bindings):
        return ANYTHING
    first = next((member for member in cls.node.scope.bindings if _value(cls.node, member) == mine), name)
    return ANYTHING if mine is None else ModeRef(cls.node, first, None)


def _value(cls: ClassDef, name: str) -> object:
    """What a member stands for: a constant as text, another expression by itself; None for no member."""
    bindings = cls.scope.bindings.get(name, [])
    value = getattr(bindings[0], "value", None) if len(bindings) == 1 else None
    if isinstance(value, Name) and value.id != name:
        return _value(cls, value.id)
    if isinstance(value, Constant):
        return repr(int(value.value) if isinstance(value.value, bool) else value.value)  # `True` is an alias of 1
    return value


def _is_told(cls: ClassDef, name: str) -> bool:
    """Whether a name of the class is no member, or one that is told from others: what is computed may equal another."""
    value = _value(cls, name)
    return not isinstance(value, Expr) or (
        isinstance(value, Call) and last_name(value.func) == "auto" and not value.args
    )


def compared(frame: Frame, test: Other, state: State, values: Sequence[Tracked]) -> Tracked:
    """What `mode == "flush"`, `mode is Mode.FLUSH` or `mode in (…)` is; `values` are those of its two sides."""
    if test.op not in _COMPARING or not any(isinstance(value, ModeRef | ConstantRef) for value in values):
        return ANYTHING
    left, right = test.parts
    if (test.op in ("in", "not in")) is not isinstance(right, Collection):
        return ANYTHING
    mine = _mode(frame, left, values[0])
    if isinstance(right, Collection):
        others = [_mode(frame, choice, _held(choice, state)) for choice in right.items]
    else:
        others = [_mode(frame, right, values[1])]
    answers = [_same(mine, other) for other in others]
    found = True if True in answers else None if None in answers else False
    return ANYTHING if found is None else ConstantRef(found is (test.op in ("==", "is", "in")))


def matches(frame: Frame, subject: Tracked, case: MatchCase) -> Answer:
    """Whether a case is that of a mode, or constant, that is known, but for its guard; None where nothing tells."""
    if not case.values or not isinstance(subject, ModeRef | ConstantRef):
        return None
    answers = [_same(subject, mode_of(frame.ev, frame.file, value)) for value in case.values]
    if isinstance(subject, ConstantRef) and subject.exact:
        answers = [value.value is subject.value if isinstance(value, Constant) else None for value in case.values]
    return True if True in answers else None if None in answers else False


def _held(expr: Expr, state: State) -> Tracked:
    return state.value_of(expr.id) if isinstance(expr, Name) else ANYTHING


def _mode(frame: Frame, expr: Expr, value: Tracked) -> Tracked:
    return mode_of(frame.ev, frame.file, expr) if value is ANYTHING else value


def _same(first: Tracked, second: Tracked) -> Answer:
    """Whether two modes are the same; members of enumerations may be equal to texts, too."""
    if isinstance(second, ConstantRef):
        first, second = second, first
    if isinstance(first, ConstantRef) and isinstance(second, ModeRef):
        return False if first == _NONE or (first.exact and second.is_text) else None
    if not isinstance(first, ModeRef) or not isinstance(second, ModeRef) or first.kind is not second.kind:
        return None
    return first == second
