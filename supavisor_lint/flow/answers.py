"""Questions whose answer is kept for later: `own = session is None`, `outer = session.in_transaction()`."""

from __future__ import annotations

from typing import TypeAlias

from supavisor_lint.facts.file import enclosing_function
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import is_spelled_like_class
from supavisor_lint.facts.statements import Assign, FunctionDef, Return
from supavisor_lint.facts.tree import (
    Argument,
    Attribute,
    BoolOp,
    Call,
    Collection,
    Expr,
    IfExp,
    Name,
    NamedExpr,
    Operation,
    Other,
)
from supavisor_lint.flow.condition_texts import is_none, truth_of
from supavisor_lint.flow.conditions import session_asked, truth
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.lifetimes import life_of
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import ConstantRef, Tracked

Results: TypeAlias = list[tuple[State, Tracked]]

_QUESTIONS = frozenset({Other, Operation, Call, Attribute})


def kept_answer(frame: Frame, expr: Expr, state: State) -> Results | None:
    """The states behind a question, each with its answer, where somebody may ask for that later.

    None for what is no question, whose answer nobody keeps, or where nothing tells it and nothing follows from it.
    """
    if type(expr) not in _QUESTIONS or not _is_kept_question(expr):
        return None
    yes, no = truth(frame, expr, state)
    if yes and no and {s.identity for s in yes} & {s.identity for s in no}:
        return None
    return [*((s, ConstantRef(True)) for s in yes), *((s, ConstantRef(False)) for s in no)]


@kept
def _is_kept_question(expr: Expr) -> bool:
    return _is_question(expr) and _is_kept(expr)


def _is_question(expr: Expr) -> bool:
    """Whether an expression is True or False, and asks for something that is followed."""
    match expr:
        case Other((_,), "not"):
            return True
        case Other((_, right), "is" | "is not"):
            return is_none(right)
        case Call():
            return truth_of(expr) is not None or session_asked(expr) is not None
        case Attribute(_, attr):
            return attr == "is_active"
        case _:
            return False


def _is_kept(expr: Expr) -> bool:
    """Whether the answer gets, by itself or as a part of a condition, into a name that is tested, or to a caller.

    Or into an object that is made with it: `Scope(session or factory(), owned=session is None)`.
    """
    child: Node = expr
    around = expr.parent
    while isinstance(around, BoolOp | IfExp) or (isinstance(around, Other) and around.op == "not"):
        if isinstance(around, IfExp) and around.test is child:
            return False
        child, around = around, around.parent
    if isinstance(around, Collection) and isinstance(around.parent, Assign | Return):
        around = around.parent
    match around:
        case NamedExpr(target=target):
            return _is_tested(target)
        case Assign(targets=targets):
            return any(_is_tested(part) for target in targets for part in _parts(target))
        case Return():
            return True
        case Argument():
            return isinstance(around.parent, Call) and is_spelled_like_class(around.parent.func)
        case _:
            return False


def _parts(target: Expr) -> tuple[Expr, ...]:
    """What a target binds: `own, session = …` two names."""
    return target.items if isinstance(target, Collection) else (target,)


def _is_tested(target: Expr) -> bool:
    function = enclosing_function(target)
    return isinstance(target, Name) and isinstance(function, FunctionDef) and target.id in life_of(function).tested
