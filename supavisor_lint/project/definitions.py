"""The places at which values are defined, for the findings that they explain."""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import Expr
from supavisor_lint.findings import Place
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.values import (
    ClassValue,
    Coroutine,
    Decorated,
    Factory,
    FunctionValue,
    GeneratorValue,
    Manager,
    Session,
    Value,
)


def definition_places(ev: Evaluator, file: FileFacts, expr: Expr) -> Iterator[Place]:
    """Where what an expression names, calls or gives is defined (known definitions only, at most three)."""
    seen: set[Place] = set()
    for value in ev.values(file, expr):
        place = place_of(value)
        if place is not None and place not in seen and len(seen) < 3:
            seen.add(place)
            yield place


def place_of(value: Value | None) -> Place | None:
    """Where a value is defined, None if the project does not say."""
    match value:
        case Factory(file, node) if file is not None and node is not None:
            return _place(file, node, "the session factory is defined here")
        case Manager(helper):
            return place_of(helper)
        case Decorated(FunctionValue(file, node)):
            return _place(file, node, f"{node.name} is defined here, a session helper")
        case Coroutine(FunctionValue(file, node)) | GeneratorValue(FunctionValue(file, node)):
            return _place(file, node, f"{node.name} is defined here")
        case FunctionValue(file, node):
            return _place(file, node, f"{node.name} is defined here")
        case ClassValue(file, node):
            return _place(file, node, f"{node.name} is defined here")
        case Session(definition=definition) if definition is not None:
            return place_of(definition)
        case _:
            return None


def _place(file: FileFacts, node: Node, message: str) -> Place:
    return Place(file.path, node.span.line, node.span.column, message)
