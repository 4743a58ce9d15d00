"""Tests that ask how an object stands: `inspect(job).expired`, `job in session`, `"name" in job.__dict__`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from supavisor_lint.facts.tree import Argument, Attribute, Call, Constant, Expr, Name, Other
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.state import Condition, ObjectState, State
from supavisor_lint.flow.values import ObjectRef, SessionRef
from supavisor_lint.project.values import External

Split: TypeAlias = tuple[list[State], list[State]]
Answer: TypeAlias = Callable[[Condition], bool | None]
"""What a test says of an object in a condition; None where it may say either."""

_INSPECTS = frozenset({"inspect", "instance_state"})
_LOADED = frozenset({"__dict__", "dict"})
_NOT_LOADED = frozenset({"unloaded", "expired_attributes"})


def told(frame: Frame, test: Expr, state: State) -> Split | None:
    """The states in which the test is true and those in which it is false; None for any other test."""
    match test:
        case Attribute(Call() as call, attr) if attr in _ANSWERS:
            subject = inspected(frame, call)
            return None if subject is None else _split(state, subject, _ANSWERS[attr])
        case Other((Name() as left, Name(session)), "in" | "not in" as op):
            inside = _in_session(state, left, state.value_of(session))
            return None if inside is None else _either(op == "in", _split(state, left, inside))
        case Other((Constant(str(name)), right), "in" | "not in" as op):
            return _about_attribute(frame, state, name, right, op == "in")
        case _:
            return None


def inspected(frame: Frame, call: Expr) -> Name | None:
    """The name whose object `inspect(job)` looks at."""
    match call:
        case Call(func, (Argument(Name() as subject),)):
            callee = frame.ev.only(frame.file, func)
            is_it = isinstance(callee, External) and callee.root == "sqlalchemy" and callee.last in _INSPECTS
            return subject if is_it else None
        case _:
            return None


def _about_attribute(frame: Frame, state: State, name: str, where: Expr, inside: bool) -> Split | None:
    """`"status" in job.__dict__`, in `vars(job)`, in `inspect(job).dict`; or not in `inspect(job).unloaded`."""
    match where:
        case Call(Name("vars"), (Argument(Name() as subject),)):
            attr = "dict"
        case Attribute(Name() as subject, "__dict__" as attr):
            pass
        case Attribute(Call() as call, attr) if attr in _LOADED | _NOT_LOADED:
            found = inspected(frame, call)
            if found is None:
                return None
            subject = found
        case _:
            return None

    def is_loaded(condition: Condition) -> bool | None:
        return not condition.blocks(name) if condition.kind == "expired" else None

    return _either(inside is (attr not in _NOT_LOADED), _split(state, subject, is_loaded))


def _in_session(state: State, name: Name, session: object) -> Answer | None:
    known = _object(state, name)
    if known is None or not isinstance(session, SessionRef) or session.site != known.session:
        return None
    return lambda condition: True if condition.kind == "added" else _is_persistent(condition)


def _either(as_it_is: bool, split: Split | None) -> Split | None:
    return split if as_it_is or split is None else (split[1], split[0])


def _split(state: State, name: Name, answer: Answer) -> Split | None:
    known = _object(state, name)
    value = state.value_of(name.id)
    if known is None or not isinstance(value, ObjectRef):
        return None
    found: Split = ([], [])
    for states, wanted in zip(found, (True, False), strict=True):
        conditions = frozenset(c for c in known.conditions if answer(c) in (wanted, None))
        if conditions:
            states.append(state.with_object(value.site, known._replace(conditions=conditions)))
    return found


def _object(state: State, name: Name) -> ObjectState | None:
    value = state.value_of(name.id)
    known = state.objects.get(value.site) if isinstance(value, ObjectRef) else None
    return known if known is not None and known.conditions else None


def _is_expired(condition: Condition) -> bool | None:
    if condition.kind in ("unknown", "kept") or condition.present or condition.only is not None:
        return None
    return condition.kind == "expired"


def _is_persistent(condition: Condition) -> bool | None:
    if condition.kind in ("unknown", "deleted"):
        return None
    return condition.kind not in ("added", "gone") and not condition.detached


def _is_detached(condition: Condition) -> bool | None:
    return None if condition.kind in ("unknown", "deleted") else condition.detached or condition.kind == "gone"


def _has_unloaded(condition: Condition) -> bool | None:
    return _is_expired(condition) or None  # what is live may have attributes that were never loaded


_ANSWERS: dict[str, Answer] = {
    "expired": _is_expired,
    "expired_attributes": _is_expired,
    "unloaded": _has_unloaded,
    "persistent": _is_persistent,
    "detached": _is_detached,
}
