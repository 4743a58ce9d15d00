"""SUP501 and SUP502: an engine gets the settings that work behind a transaction pooler, and loses those that do not.

Unsafe: the engine's address is not always known, and what an option without effect was meant to do is its author's
secret. Which settings work was measured: section 9 of the semantics, `project/pooler.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from supavisor_lint.facts.file import scope_of
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned, Binding, NameImport
from supavisor_lint.facts.tree import Argument, Call, Constant, Dict, DictItem, Expr, Name
from supavisor_lint.findings import Edit, Finding, Fix
from supavisor_lint.project.engine_options import NAMES, Ineffective
from supavisor_lint.project.libpq_options import REFUSED, SSL, SSL_MODES, SSLMODE, advice
from supavisor_lint.project.pooler import VALUES, PooledEngine
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.elements import changed, elements_of, has_comments
from supavisor_lint.rewrites.imports import at_module_level


def propose(context: Context, finding: Finding) -> Fix:
    """One fix for all findings of an engine."""
    pooled = _engine_at(context, finding)
    _refuse_libpq(context, pooled, finding)
    call = pooled.engine.call
    if len(pooled.engine.forms) > 1:
        raise NoFix("the engine's options are not the same on every path: change them where they are made")
    context.refuse_suppressed([call, *(o.node for o in pooled.ineffective if o.node is not None)], "SUP501", "SUP502")
    gone = _elements_gone(context, pooled)
    edits, more = _with_wanted(context, pooled, gone) if pooled.fails() else ([], {})
    edits += [*_numbers(context, pooled), *_ssl(context, pooled)]
    for holder in {**gone, **more}:
        edits += changed(context, holder, gone.get(holder, ()), more.get(holder, ""))
    if not edits:
        raise NoFix("the options of this engine come from elsewhere: change them there")
    title = "Give the engine the settings that work behind a transaction pooler"
    if pooled.fails() and not pooled.is_stated:
        title += ": a URL of another driver, as tests may set it, would not take them"
    return context.fix("unsafe", title, edits)


def _engine_at(context: Context, finding: Finding) -> PooledEngine:
    for engine in context.project.engines.of(context.file):
        pooled = PooledEngine(context.project, engine)
        places = [engine.call, engine.url, *(o.node for o in pooled.ineffective if o.file is context.file)]
        if any(node is not None and node.span == finding.span for node in places):
            return pooled
    raise NoFix("the engine has an unusual form")


# ---------------------------------------------------------------------------------------------- what does not work


Gone: TypeAlias = dict[Call | Dict, list[Node]]
"""The elements that go, by the call or dict display that they stand in."""

More: TypeAlias = dict[Call | Dict, str]
"""The elements that are added, as code, by the call or dict display that they are added to."""


def _elements_gone(context: Context, pooled: PooledEngine) -> Gone:
    """The options without effect. A dict that would lose all its items goes as a whole, with what holds it."""
    call = pooled.engine.call
    gone: Gone = {}
    for option in pooled.ineffective:
        if not option.is_text and option.name not in REFUSED:
            element = _element_of(context, option)
            holder = element.parent
            if not isinstance(holder, Call | Dict) or (isinstance(holder, Call) and holder is not call):
                raise NoFix(f"`{option.name}` is set in a way that is not rewritten: remove it by hand")
            gone.setdefault(holder, []).append(element)
    while (empty := _emptied(gone, call)) is not None:
        around = empty.parent
        holder = around.parent if isinstance(around, Argument | DictItem) else None
        if around is None or (not isinstance(holder, Dict) and holder is not call):
            raise NoFix("the options of this engine are made elsewhere: change them there")
        if has_comments(context, empty):
            raise NoFix(f"a comment stands beside the options in line {empty.span.line}")
        del gone[empty]
        gone.setdefault(call if holder is call else holder, []).append(around)
    for options, elements in gone.items():
        if isinstance(options, Dict):
            _refuse_shared(context, pooled, options, elements)
    return gone


def _emptied(gone: Gone, call: Call) -> Call | Dict | None:
    """What would lose all its elements, but for the engine's call itself."""
    holders = (holder for holder in gone if holder is not call)
    return next((holder for holder in holders if len(gone[holder]) == len(elements_of(holder))), None)


def _refuse_shared(context: Context, pooled: PooledEngine, options: Dict, elements: Iterable[Node]) -> None:
    """Raise NoFix where something else reads a dict display, in which the elements may well have an effect."""
    whole: Node = options
    while isinstance(whole.parent, DictItem) and isinstance(whole.parent.parent, Dict):
        whole = whole.parent.parent
    if isinstance(whole.parent, Argument) and whole.parent.parent is pooled.engine.call:
        return
    names = [name for name, found in scope_of(whole).bindings.items() for b in found if _is_value(b, whole)]
    if len(names) != 1:
        raise NoFix("the options of this engine are made elsewhere: change them there")
    found = {o.node for o in pooled.ineffective if o.node is not None and any(e.contains(o.node) for e in elements)}
    for read in _reads(context, whole, names[0]):
        if not pooled.engine.call.contains(read) and not _are_without_effect(context, read, found):
            raise NoFix(f"other code uses the options in line {whole.span.line} as well")


def _is_value(binding: Binding, value: Node) -> bool:
    return isinstance(binding, Assigned) and binding.value is value


def _are_without_effect(context: Context, read: Node, options: set[Node]) -> bool:
    """Whether a name is read for an engine that some options in its value do nothing for."""
    for engine in context.project.engines.of(context.file):
        if engine.call.contains(read):
            return options <= {option.node for option in PooledEngine(context.project, engine).ineffective}
    return False


def _numbers(context: Context, pooled: PooledEngine) -> Iterator[Edit]:
    """Sizes that are texts become numbers; those that have to be 0 are set to it with what is wanted."""
    wanted = pooled.wanted if pooled.fails() else ()
    return (_as_number(context, o) for o in pooled.ineffective if o.is_text and o.name not in wanted)


def _refuse_libpq(context: Context, pooled: PooledEngine, finding: Finding) -> None:
    """Raise NoFix for an option of libpq's that is to be written in another way: dropped, it may be missed."""
    for option in pooled.ineffective:
        is_asked = option.node is not None and option.file is context.file and option.node.span == finding.span
        if is_asked and option.name in REFUSED and _ssl_key(option) is None:
            raise NoFix(f"what `{option.name}` was to do is left to you: {advice(option.name)}")


def _ssl(context: Context, pooled: PooledEngine) -> Iterator[Edit]:
    """`sslmode` becomes `ssl`, which takes the same values."""
    for option in pooled.ineffective:
        key = _ssl_key(option)
        if key is not None and option.file is context.file:
            options = key.parent.parent if key.parent is not None else None
            if isinstance(options, Dict):
                _refuse_shared(context, pooled, options, [key])
            yield Edit(key.span, f'"{SSL}"')


def _ssl_key(option: Ineffective) -> Constant | None:
    """The key of `"sslmode": "require"` in a dict display without an `ssl` of its own."""
    key = option.node
    item = key.parent if key is not None else None
    if option.name != SSLMODE or not isinstance(key, Constant) or not isinstance(item, DictItem):
        return None
    is_mode = isinstance(item.value, Constant) and item.value.value in SSL_MODES
    others = item.parent.items if isinstance(item.parent, Dict) else ()
    has_ssl = any(isinstance(other.key, Constant) and other.key.value == SSL for other in others)
    return key if is_mode and not has_ssl else None


def _element_of(context: Context, option: Ineffective) -> Argument | DictItem:
    if option.node is None:
        raise NoFix(f"`{option.name}` stands in the URL: take it out there")
    if option.file is not context.file:
        raise NoFix(f"`{option.name}` stands in {option.file.path if option.file else 'another file'}")
    element = option.node if isinstance(option.node, Argument | DictItem) else option.node.parent
    if not isinstance(element, Argument | DictItem):
        raise NoFix(f"`{option.name}` is set in a way that is not rewritten: remove it by hand")
    return element


def _as_number(context: Context, option: Ineffective) -> Edit:
    value = _element_of(context, option).value
    if not isinstance(value, Constant):
        raise NoFix(f"the value of `{option.name}` comes from elsewhere: make it a number there")
    number = str(value.value).strip()
    if not number.isdigit():
        raise NoFix(f"the value of `{option.name}` is no number: say which one is meant")
    return Edit(value.span, str(int(number)))


# --------------------------------------------------------------------------------------------------- what is needed


def _with_wanted(context: Context, pooled: PooledEngine, gone: Gone) -> tuple[list[Edit], More]:
    """What is needed: values that are set right, and what more is put into the call or its `connect_args`."""
    call, wanted = pooled.engine.call, pooled.wanted
    edits = list(_uuid4(context, call)) if NAMES in wanted else []
    options = _connect_args(context, call)
    if options is None or any(options.parent is element for element in gone.get(call, ())):
        return edits, {call: f"connect_args={{{_items(wanted)}}}"}
    left = [item for item in options.items if item not in gone.get(options, ())]
    present = {i.key.value: i for i in left if isinstance(i.key, Constant)}
    edits += [Edit(present[name].value.span, VALUES[name]) for name in wanted if name in present]
    missing = [name for name in wanted if name not in present]
    return edits, {options: _items(missing)} if missing else {}


def _items(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}": {VALUES[name]}' for name in names)


def _connect_args(context: Context, call: Call) -> Dict | None:
    """The dict display that holds the engine's `connect_args`; None if it has none."""
    given = next((a.value for a in call.args if a.keyword == "connect_args"), None)
    if given is None:
        if any(argument.star == "**" for argument in call.args):
            raise NoFix("the options of this engine come from elsewhere: change them there")
        return None
    shown = _only_value(context, given) if isinstance(given, Name) else given
    if not isinstance(shown, Dict):
        raise NoFix("`connect_args` comes from elsewhere: put the options in there")
    return shown


def _only_value(context: Context, name: Name) -> Expr | None:
    """The one value that a variable ever has, if nothing else uses it."""
    owner = scope_of(name).lookup(name.id)
    bindings = owner.bindings[name.id] if owner is not None else []
    if len(bindings) != 1 or not isinstance(bindings[0], Assigned):
        return None
    return bindings[0].value if all(r is name for r in _reads(context, name, name.id)) else None


def _reads(context: Context, node: Node, name: str) -> list[Name]:
    """Where the file reads what a name means at a node."""
    owner = scope_of(node).lookup(name)
    return [read for read in context.file.names.get(name, ()) if scope_of(read).lookup(name) is owner]


def _uuid4(context: Context, call: Call) -> Iterator[Edit]:
    owner = scope_of(call).lookup("uuid4")
    if owner is None:
        yield at_module_level(context, "from uuid import uuid4")
    elif not all(isinstance(b, NameImport) and b.module == "uuid" for b in owner.bindings["uuid4"]):
        raise NoFix("`uuid4` is bound to something else here")
