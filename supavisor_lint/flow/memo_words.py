"""What a mapping and a key in it are, as words: the same words mean the same element, in the names of one function.

The mapping may be a variable, an attribute, or what a session keeps: `session.info.setdefault("rights", {})`, also
through a function that gives it.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from supavisor_lint.facts.file import FileFacts, scope_of
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.tree import (
    Argument,
    Attribute,
    Await,
    Call,
    Collection,
    Constant,
    Expr,
    FString,
    Name,
    Param,
    Subscript,
)
from supavisor_lint.flow.condition_texts import condition_text, is_none
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.project.values import FunctionValue

Words: TypeAlias = tuple[str, ...]

_CONVERSIONS = frozenset({"str", "int"})
_PARTS = frozenset({"setdefault", "get"})
_MAX_DEPTH = 3


def key_words(expr: Expr, depth: int = 0) -> Words | None:
    """A key, or what a mapping is kept on, as words; None where that is not told by names and constants."""
    match expr:
        case Constant():
            text = condition_text(expr)
            return None if text is None else (text,)
        case Name(name):
            value = _only_value(expr)
            if isinstance(value, Collection | Call | FString) and depth < _MAX_DEPTH:
                return key_words(value, depth + 1) or (name,)
            return (name,)
        case Attribute(owner, attr):
            words = key_words(owner, depth)
            return None if words is None else (*words, f".{attr}")
        case Subscript(Name(name), (Constant(str(part)),)) if _is_keywords(expr.value):
            return (name, named_part(part))
        case Call(Name(name), (Argument(value=value),)) if name in _CONVERSIONS:
            return key_words(value, depth)
        case Collection(items=parts) | FString(parts=parts):
            found = [key_words(part, depth) for part in parts]
            return None if None in found else ("(", *(word for words in found for word in words or ()), ")")
        case _:
            return None


def named_part(name: str) -> str:
    """One word for what a mapping holds under a name."""
    return repr(name).replace(" ", "\\x20")


def _is_keywords(expr: Expr) -> bool:
    """Whether an expression names the function's own `**kwargs`, which nobody changes."""
    owner = scope_of(expr).lookup(expr.id) if isinstance(expr, Name) else None
    bindings = owner.bindings[expr.id] if owner is not None and isinstance(expr, Name) else []
    return len(bindings) == 1 and isinstance(bindings[0], Param) and bindings[0].kind == "**"


def _only_value(name: Name) -> Expr | None:
    """What a local variable is bound to, once."""
    owner = scope_of(name).lookup(name.id)
    bindings = owner.bindings[name.id] if owner is not None and owner.kind != "module" else []
    binding = bindings[0] if len(bindings) == 1 else None
    return binding.value if isinstance(binding, Assigned) and binding.index is None else None


def mapping_words(ev: Evaluator, file: FileFacts, expr: Expr, depth: int = 0) -> Words | None:
    """A mapping as words."""
    if depth > _MAX_DEPTH:
        return None
    match expr:
        case Name(name):
            value = _only_value(expr)
            words = None if value is None else mapping_words(ev, file, value, depth + 1)
            owner = scope_of(expr).lookup(name)
            if words is None and owner is not None and owner.kind == "module":
                return (f"{file.path}:{name}",)  # the same in every function
            return words or (name,)
        case Attribute():
            return key_words(expr)
        case Call(Attribute(inner, attr), (Argument(value=Constant(str(part))), *_)) if attr in _PARTS:
            words = mapping_words(ev, file, inner, depth + 1)
            return None if words is None else (*words, named_part(part))
        case Subscript(inner, (Constant(str(part)),)):
            words = mapping_words(ev, file, inner, depth + 1)
            return None if words is None else (*words, named_part(part))
        case Call():
            return _given_by(ev, file, expr, depth)
        case _:
            return None


def _given_by(ev: Evaluator, file: FileFacts, call: Call, depth: int) -> Words | None:
    """The mapping that a function of the project gives: `return session.info.setdefault("rights", {})`."""
    functions = functions_called(ev, file, call)
    if len(functions) != 1 or functions[0].node.is_async:
        return None
    function = functions[0]
    results = [result for result in function.node.results if not is_none(result)]
    found = {mapping_words(ev, function.file, result, depth + 1) for result in results}
    words = next(iter(found)) if len(found) == 1 else None
    return None if words is None else replaced(words, given_words(function, call))


def given_words(function: FunctionValue, call: Expr) -> dict[str, Words]:
    """What each parameter of a called function is for the caller, as words; of anything but a call, nothing."""
    if not isinstance(call, Call):
        return {}
    given = {name: key_words(expr) for name, expr in bind_arguments(function, call.args).items()}
    if function.bound and function.node.params and isinstance(call.func, Attribute):
        given[function.node.params[0].name] = key_words(call.func.value)
    return {name: words for name, words in given.items() if words is not None}


def _is_variable(word: str) -> bool:
    return word.isidentifier() and not keyword.iskeyword(word)


def replaced(words: Iterable[str], given: Mapping[str, Words]) -> Words | None:
    """Words with other names for variables; None where one of them has none."""
    found: list[str] = []
    for word in words:
        if not _is_variable(word):
            found.append(word)
        elif word in given:
            found += given[word]
        else:
            return None
    return tuple(found)


def named(facts: Iterable[Words], given: Iterable[Mapping[Words, Words]]) -> frozenset[Words]:
    """The caller's words with a called function's for what it is given, in every reading; those that it can name."""
    facts = list(facts)
    found = (_named(words, reading) for reading in given for words in facts)
    return frozenset(words for words in found if words is not None)


def _named(words: Words, given: Mapping[Words, Words]) -> Words | None:
    """The words in one reading; None where a variable has no name in it."""
    found: list[str] = []
    longest = sorted(given.items(), key=lambda item: -len(item[0]))
    at = 0
    while at < len(words):
        match = next(((old, new) for old, new in longest if words[at : at + len(old)] == old), None)
        if match is None and _is_variable(words[at]):
            return None
        found += [words[at]] if match is None else match[1]
        at += 1 if match is None else len(match[0])
    return tuple(found)


def given_names(function: FunctionValue, call: Expr) -> list[dict[Words, Words]]:
    """What a called function is given, by the caller's words, each with the function's own name for it.

    What was looked up for some owner belongs to it: `organization.id` is the `project.organization_id` of
    `project = await one_of(session, organization)`. That is another reading of the same words for each parameter: the
    organization may be given as well, and more than one that belongs to it.
    """
    if not isinstance(call, Call):
        return [{}]
    plain: dict[Words, Words] = {words: (name,) for name, words in given_words(function, call).items()}
    readings = [plain]
    for name, expr in bind_arguments(function, call.args).items():
        readings += [{**plain, (owner, ".id"): (name, f".{owner}_id")} for owner in _owners(expr)]
    return readings


def _owners(expr: Expr) -> Iterator[str]:
    """The names that were handed to the call that a name is bound to."""
    value = _only_value(expr) if isinstance(expr, Name) else None
    value = value.value if isinstance(value, Await) else value
    for argument in value.args if isinstance(value, Call) else ():
        if isinstance(argument.value, Name):
            yield argument.value.id
