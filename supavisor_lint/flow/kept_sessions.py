"""Which session does an object keep? The one that it was made with, where the code shows both."""

from __future__ import annotations

from supavisor_lint.facts.file import FileFacts, scope_of
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.facts.tree import Call, Expr, Name
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.members import self_assignments
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.project.values import ClassValue, FunctionValue, Instance

_MAX_BASES = 4


class KeptSessions:
    """Answers for one project; remembers nothing."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._ev = evaluator

    def given_to(self, file: FileFacts, keeper: Expr, path: str) -> Expr | None:
        """What the object `keeper` got for its attribute (`repository.session` with dots) when this file made it."""
        made = _made_by(keeper)
        return None if made is None else self._given(file, made, path)

    def parameter(self, cls: ClassValue, path: str, depth: int = 0) -> tuple[FunctionDef, str] | None:
        """The parameter of `__init__` that the instances of a class keep as an attribute."""
        init = cls.node.scope.bindings.get("__init__", [])
        if len(init) == 1 and isinstance(init[0], FunctionDef):
            first, _, rest = path.partition(".")
            stored = [value for value, _ in self_assignments(cls.node).get(first, [])]
            value = stored[0] if len(stored) == 1 else None
            if rest and isinstance(value, Call):
                value = self._given(cls.file, value, rest)
            elif rest:
                return None
            if isinstance(value, Name) and init[0].param(value.id) is not None:
                return init[0], value.id
            return None
        bases = [v for base in cls.node.bases for v in self._ev.values(cls.file, base) if isinstance(v, ClassValue)]
        return self.parameter(bases[0], path, depth + 1) if len(bases) == 1 and depth < _MAX_BASES else None

    def _given(self, file: FileFacts, made: Call, path: str) -> Expr | None:
        """What a call of a class hands over for an attribute of the new object."""
        value = self._ev.only(file, made)
        if not isinstance(value, Instance) or not isinstance(value.of, ClassValue):
            return None
        found = self.parameter(value.of, path)
        if found is None:
            return None
        init, name = found
        return bind_arguments(FunctionValue(value.of.file, init, bound=True), made.args).get(name)


def _made_by(keeper: Expr) -> Call | None:
    """The call that made an object: on the spot, or in the one assignment of its variable."""
    if isinstance(keeper, Call):
        return keeper
    owner = scope_of(keeper).lookup(keeper.id) if isinstance(keeper, Name) else None
    bindings = owner.bindings[keeper.id] if owner is not None and isinstance(keeper, Name) else []
    if len(bindings) == 1 and isinstance(bindings[0], Assigned) and isinstance(bindings[0].value, Call):
        return bindings[0].value
    return None
