"""`contextlib.suppress(…)`: a handler in the form of a context manager."""

from __future__ import annotations

from dataclasses import dataclass

from supavisor_lint.facts.handlers import is_broad
from supavisor_lint.facts.statements import Handler
from supavisor_lint.facts.tree import Call, Expr
from supavisor_lint.flow import handlers
from supavisor_lint.flow.frame import Frame, Thrown
from supavisor_lint.flow.may_swallow import may_swallow
from supavisor_lint.project.values import External


@dataclass(frozen=True, slots=True)
class Suppressor:
    """A call of `suppress()`, with a handler for each class that it names; `sure` if that is what it is."""

    node: Expr
    handlers: tuple[Handler, ...]
    sure: bool = True

    @property
    def is_broad(self) -> bool:
        """Whether it takes every ordinary exception."""
        return any(is_broad(handler) for handler in self.handlers)

    def catches(self, thrown: Thrown) -> bool | None:
        """Whether it takes an exception: True, False, or None for maybe."""
        if not self.sure:
            return None
        answers = [handlers.catches(handler, thrown) for handler in self.handlers]
        return True if True in answers else None if None in answers else False

    def passing(self, thrown: Thrown) -> Thrown:
        """An exception that it might have taken, and has not."""
        for handler in self.handlers:
            thrown = handlers.passing(handler, thrown)
        return thrown


def suppressor(frame: Frame, context: Expr) -> Suppressor | None:
    """The suppressor that a `with` item enters, if it is one; a wary follower asks for what may be one."""
    values = frame.ev.values(frame.file, context.func) if isinstance(context, Call) else ()
    if not isinstance(context, Call) or not any(
        isinstance(v, External) and v.dotted == "contextlib.suppress" for v in values
    ):
        if frame.follower.wary and may_swallow(frame.ev, frame.file, context):
            return Suppressor(context, (), sure=False)
        return None
    found = tuple(Handler(argument.value, None, ()) for argument in context.args)
    for argument in context.args:
        argument.value.parent = argument  # the handlers have taken it
    return Suppressor(context, found)
