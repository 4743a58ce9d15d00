"""SUP105: a session helper that nothing binds is imported in the function that uses it.

Safe: the line could only fail.
"""

from __future__ import annotations

from supavisor_lint.facts.file import enclosing_function
from supavisor_lint.facts.statements import With, WithItem
from supavisor_lint.facts.tree import Call, Name
from supavisor_lint.findings import Finding, Fix
from supavisor_lint.project.values import NamedHelper, Session
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.helpers import Helper
from supavisor_lint.rewrites.imports import bind_in_function


def propose(context: Context, finding: Finding) -> Fix:
    """The import of the one definition that fits, at the head of the function."""
    read = context.node(finding, Name)
    function = enclosing_function(read)
    if function is None:
        raise NoFix(f"`{read.id}` is read outside of any function: import it at the head of the module")
    for other in context.file.names.get(read.id, ()):
        if function.contains(other):
            context.refuse_caught(other, "NameError", "UnboundLocalError")
    helper = _meant(context, read)
    bound = bind_in_function(context, helper, function)
    return context.fix("safe", f"Import `{read.id}` in the function", bound.edits)


def _meant(context: Context, read: Name) -> Helper:
    """The helper that a name means: the one of the setting `helper`, or the only one that the project defines."""
    name = read.id
    dotted = context.view.settings.helper or ""
    if dotted.rpartition(".")[2] == name and "." in dotted:
        return Helper(name, None, None, Session("helper", NamedHelper(name)), dotted.rpartition(".")[0])
    found = context.project.names.defined(name)
    if not found:
        raise NoFix(f"nothing in the project defines `{name}`: say where it is with the setting `helper`")
    if len(found) > 1:
        places = ", ".join(sorted(file.path for file, _, _ in found))
        raise NoFix(f"several definitions of `{name}` fit ({places}): name the one to use with the setting `helper`")
    file, _, role = found[0]
    if role != "helper":
        raise NoFix(f"the only `{name}` that the project defines is a session {role}: use the session helper instead")
    if not _is_entered(read):
        raise NoFix(f"`{name}` is not entered with `async with` here, which is the only way to use the helper")
    return Helper(name, file, None, Session("helper", NamedHelper(name)))


def _is_entered(read: Name) -> bool:
    """`async with get_session() as session`."""
    call = read.parent
    item = call.parent if isinstance(call, Call) and call.func is read else None
    return isinstance(item, WithItem) and isinstance(item.parent, With) and item.parent.is_async
