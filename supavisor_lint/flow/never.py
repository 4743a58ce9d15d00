"""Calls that never return: `sys.exit()`, and functions that raise whatever happens: `def not_found(): raise …`."""

from __future__ import annotations

from supavisor_lint.facts.file import FileFacts, nodes_of_kind, scope_of
from supavisor_lint.facts.handlers import own_nodes
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.spelling import dotted, last_name
from supavisor_lint.facts.statements import ExprStmt, FunctionDef, If, Raise, Return, Try, With
from supavisor_lint.facts.tree import Block, Call, Name, Stmt
from supavisor_lint.flow.frame import Thrown
from supavisor_lint.flow.handlers import catches, thrown_by
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.values import External, FunctionValue

SYSTEM_EXIT = Thrown("class", "SystemExit")
_ENDING = frozenset({"sys.exit", "os._exit", "os.abort", "builtins.exit", "builtins.quit", "exit", "quit"})
_ENDS = frozenset(name.rpartition(".")[2] for name in _ENDING)


def never_returns(functions: list[FunctionValue], *, wary: bool = False) -> bool:
    """Whether a call certainly raises. Methods may be overridden, and so may what is there to be replaced.

    A `wary` asker wants to see what is raised go through no context manager, which might swallow it.
    """
    if len(functions) != 1 or functions[0].bound or not _raises(functions[0].node):
        return False
    return not wary or not nodes_of_kind(functions[0].node, With)


def ends_process(ev: Evaluator, file: FileFacts, call: Call, *, wary: bool = False) -> bool:
    """Whether a call ends the program: `sys.exit()` and its like; for a `wary` asker, whatever the name may mean."""
    if last_name(call.func) not in _ENDS:
        return False
    ends = [isinstance(v, External) and v.dotted in _ENDING for v in ev.values(file, call.func)]
    return bool(ends) and (all(ends) if wary else any(ends))


@kept
def _raises(function: FunctionDef) -> bool:
    return not function.is_generator and not function.decorators and bool(_raised(function.body))


def _raised(block: Block) -> list[Thrown]:
    """The exceptions that a block certainly ends with; none if it may end or return."""
    for statement in block:
        found = _raised_by(statement)
        if found or _has_return((statement,)):
            return found
    return []


def _has_return(block: Block) -> bool:
    return any(isinstance(node, Return) for node in own_nodes(block))


def _raised_by(statement: Stmt) -> list[Thrown]:
    if isinstance(statement, Raise):
        return [] if _is_abstract(statement) else [thrown_by(statement.exc)]
    if isinstance(statement, ExprStmt):
        call = statement.value
        return [SYSTEM_EXIT] if isinstance(call, Call) and _is_ending(call) else []
    if isinstance(statement, If):
        arms = [_raised(statement.body), _raised(statement.orelse)]
        return [*arms[0], *arms[1]] if all(arms) else []
    if isinstance(statement, With):
        return [] if _may_suppress(statement) else _raised(statement.body)
    return _raised_by_try(statement) if isinstance(statement, Try) else []


def _is_ending(call: Call) -> bool:
    """`sys.exit(1)`, or `exit()` where nobody has defined another one."""
    func = call.func
    is_own = isinstance(func, Name) and scope_of(func).lookup(func.id) is not None
    return dotted(func) in _ENDING and not is_own


def _raised_by_try(statement: Try) -> list[Thrown]:
    found = [] if _has_return(statement.finalbody) else _raised(statement.body)
    for handler in statement.handlers if found else ():
        if any(catches(handler, one) is not False for one in found):
            caught = _raised(handler.body)
            if not caught:
                return []
            found = [*found, *caught]
    return found


def _is_abstract(statement: Raise) -> bool:
    """`raise NotImplementedError`: whoever calls this gets what another class makes of it."""
    return statement.exc is not None and last_name(statement.exc) in ("NotImplementedError", "NotImplemented")


def _may_suppress(statement: With) -> bool:
    """`suppress(…)`, `pytest.raises(…)`: told by their names, in whatever module they are."""
    names = {last_name(item.context) for item in statement.items if isinstance(item.context, Call)}
    return not names.isdisjoint({"suppress", "raises", "ignored"})
