"""SUP203: the task's own session gets a name of its own; the parameter stays, for its callers.

Unsafe: whoever passes a session may have meant it to be used.
"""

from __future__ import annotations

from supavisor_lint.facts.file import scope_of, walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import node_of
from supavisor_lint.facts.statements import For, FunctionDef, While
from supavisor_lint.facts.tree import Name
from supavisor_lint.findings import Edit, Finding, Fix
from supavisor_lint.flow.shape import Opening
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rules.session_parameter_shadowed import shadowing


def propose(context: Context, finding: Finding) -> Fix:
    """Every binding of the own session, and every read behind it, under a free name."""
    function = context.node(finding, FunctionDef)
    task = context.project.task_of(function)
    openings = list(shadowing(context.view.shape(task))) if task is not None else []
    if not openings:
        raise NoFix("the parameter is not overwritten any more")
    name = openings[0].key.text
    names = _names(context, function, name)
    first = min(opening.node.order for opening in openings)
    _refuse_mixed(function, openings, names, first)
    own = _free_name(context, function, name)
    edits = [Edit(node.span, own) for node in names if node.order >= first]
    for edit in edits:
        if context.source.at(edit.span) != name:
            raise NoFix(f"line {edit.span.line}: `{name}` stands in a form that cannot be renamed")
    return context.fix(
        "unsafe", f"Rename the task's own session to `{own}`; the parameter stays, for its callers", edits
    )


def _names(context: Context, function: FunctionDef, name: str) -> list[Name]:
    """The names in the function that mean its variable, read or bound."""
    return [
        node
        for statement in function.body
        for node in walk(statement)
        if isinstance(node, Name) and node.id == name and scope_of(node).lookup(name) is function.scope
    ]


def _refuse_mixed(function: FunctionDef, openings: list[Opening], names: list[Name], first: int) -> None:
    """Raise NoFix where a name may mean the parameter or the own session."""
    name = openings[0].key.text
    if name in function.scope.globals | function.scope.nonlocals or any(name in s for s in _declared(function)):
        raise NoFix(f"`{name}` is declared global or nonlocal in this function")
    known = {opening.node for opening in openings}
    others = [b for b in function.scope.bindings[name] if node_of(b) not in known and node_of(b).order > first]
    if others:
        raise NoFix(f"line {node_of(others[0]).span.line} binds `{name}` to something else again")
    blocks = [opening.block for opening in openings]
    for node in names:
        if node.order < first:
            if not _is_certain(node, function):
                raise NoFix(f"line {node.span.line} may read the parameter or the own session")
        elif (
            node not in known
            and all(b is not None for b in blocks)
            and not any(b.contains(node) for b in blocks if b is not None)
        ):
            raise NoFix(f"line {node.span.line} reads `{name}` outside the block of the own session")


def _declared(function: FunctionDef) -> list[set[str]]:
    inner = [node for statement in function.body for node in walk(statement) if isinstance(node, FunctionDef)]
    return [f.scope.nonlocals for f in inner]


def _is_certain(node: Node, function: FunctionDef) -> bool:
    """Whether a read before the opening surely means the parameter: not in a loop, nor in a function called later."""
    parent = node.parent
    while parent is not None and parent is not function:
        if isinstance(parent, FunctionDef | For | While):
            return False
        parent = parent.parent
    return True


def _free_name(context: Context, function: FunctionDef, name: str) -> str:
    taken = set(context.file.names) | set(function.scope.bindings) | set(context.file.scope.bindings)
    wanted = f"own_{name}"
    for number in range(1, 100):
        candidate = wanted if number == 1 else f"{wanted}_{number}"
        if candidate not in taken:
            return candidate
    raise NoFix("no free name was found for the task's own session")
