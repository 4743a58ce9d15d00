"""LibCST expressions to the lowered tree: one method per kind of node, chosen by the node's class name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, TypeVar

import libcst as cst

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned, Binding, Opaque, Scope
from supavisor_lint.facts.tree import (
    Argument,
    Attribute,
    Await,
    BoolOp,
    Call,
    Collection,
    Constant,
    Dict,
    DictItem,
    Expr,
    FString,
    IfExp,
    Name,
    NamedExpr,
    Operation,
    Other,
    Starred,
    Subscript,
    Yield,
)

NodeT = TypeVar("NodeT", bound=Node)
MakeBinding: TypeAlias = Callable[[Name, "int | None"], Binding]

_OPERATORS = {
    "Add": "+",
    "Subtract": "-",
    "BitAnd": "&",
    "BitOr": "|",
    "Modulo": "%",
    "Divide": "/",
    "In": "in",
    "NotIn": "not in",
    "Is": "is",
    "IsNot": "is not",
    "Equal": "==",
    "NotEqual": "!=",
    "LessThan": "<",
    "LessThanEqual": "<=",
    "GreaterThan": ">",
    "GreaterThanEqual": ">=",
}  # those that someone asks for; others are ""
_CONSTANT_NAMES = {"None": None, "True": True, "False": False}


class ExpressionLowering:
    """Lowers expressions; keeps the current scope and the list of nodes whose positions are wanted."""

    def __init__(self) -> None:
        self.scope = Scope("module", None, None)
        self.wanted: list[tuple[cst.CSTNode, cst.CSTNode | int | None, Node]] = []
        self.calls: list[Call] = []
        self.names: dict[str, list[Name]] = {}
        self.attributes: dict[str, list[Attribute]] = {}
        self.yields: list[list[Yield]] = []
        self._order = 0
        self._methods: dict[type, Callable[[Any], Expr]] = {}

    def next_order(self) -> int:
        """A number larger than those of all nodes that began before."""
        self._order += 1
        return self._order

    def want(self, node: Node, order: int, first: cst.CSTNode, last: cst.CSTNode | int | None = None) -> None:
        """Ask for a span: of `first`, up to the end of `last`, or of its first `last` characters."""
        node.order = order
        self.wanted.append((first, last, node))

    def expr(self, node: cst.CSTNode) -> Expr:
        """Lower one expression."""
        kind = type(node)
        method = self._methods.get(kind)
        if method is None:
            method = self._methods[kind] = getattr(self, f"_{kind.__name__}", self._other)
        self._order = order = self._order + 1
        lowered = method(node)
        lowered.order = order
        self.wanted.append((node, None, lowered))
        return lowered

    def _numbered(self, node: NodeT, order: int) -> NodeT:
        node.order = order
        return node

    def _optional(self, node: cst.CSTNode | None) -> Expr | None:
        return None if node is None else self.expr(node)

    def _exprs(self, nodes: Iterable[cst.CSTNode]) -> tuple[Expr, ...]:
        return tuple([self.expr(node) for node in nodes])

    # ------------------------------------------------------------------------------------- names, calls, access

    def _Name(self, node: cst.Name) -> Expr:  # noqa: N802
        if node.value in _CONSTANT_NAMES:
            return Constant(_CONSTANT_NAMES[node.value])
        name = Name(node.value)
        self.names.setdefault(node.value, []).append(name)
        return name

    def _Attribute(self, node: cst.Attribute) -> Expr:  # noqa: N802
        attribute = Attribute(self.expr(node.value), node.attr.value)
        self.attributes.setdefault(attribute.attr, []).append(attribute)
        return attribute

    def _Call(self, node: cst.Call) -> Expr:  # noqa: N802
        call = Call(self.expr(node.func), tuple([self._argument(arg) for arg in node.args]))
        self.calls.append(call)
        return call

    def _argument(self, node: cst.Arg) -> Argument:
        order = self.next_order()
        keyword = node.keyword.value if node.keyword is not None else None
        argument = Argument(self.expr(node.value), keyword, node.star)
        if node.keyword is None:
            self.want(argument, order, node.value)
        else:
            self.want(argument, order, node.keyword, node.value)
        return argument

    def _Await(self, node: cst.Await) -> Expr:  # noqa: N802
        return Await(self.expr(node.expression))

    def _Subscript(self, node: cst.Subscript) -> Expr:  # noqa: N802
        return Subscript(self.expr(node.value), tuple(self._slice(e.slice) for e in node.slice))

    def _slice(self, node: cst.BaseSlice) -> Expr:
        return self.expr(node.value) if isinstance(node, cst.Index) else self.expr(node)

    # ------------------------------------------------------------------------------------------------- literals

    def _SimpleString(self, node: cst.SimpleString) -> Expr:  # noqa: N802
        return Constant(evaluated(node))

    def _ConcatenatedString(self, node: cst.ConcatenatedString) -> Expr:  # noqa: N802
        # A long concatenation leans to the right: follow it in a loop, its length is not bounded by recursion.
        pieces: list[Expr] = []
        rest: cst.BaseExpression = node
        while isinstance(rest, cst.ConcatenatedString):
            pieces.append(self.expr(rest.left))
            rest = rest.right
        pieces.append(self.expr(rest))
        texts = [piece.value for piece in pieces if isinstance(piece, Constant)]
        if len(texts) < len(pieces):
            return FString(tuple(part for piece in pieces for part in _string_parts(piece)))
        strings = [text for text in texts if isinstance(text, str)]
        return Constant("".join(strings) if len(strings) == len(texts) else ...)

    def _FormattedString(self, node: cst.FormattedString) -> Expr:  # noqa: N802
        return FString(tuple(self._formatted_parts(node.parts)))

    def _formatted_parts(self, parts: Iterable[cst.BaseFormattedStringContent]) -> Iterable[Expr]:
        for part in parts:
            if isinstance(part, cst.FormattedStringText):
                yield self._numbered(Constant(part.value), self.next_order())
            elif isinstance(part, cst.FormattedStringExpression):
                yield self.expr(part.expression)
                yield from self._formatted_parts(part.format_spec or ())

    def _Integer(self, node: cst.Integer) -> Expr:  # noqa: N802
        return Constant(evaluated(node))

    def _Float(self, node: cst.Float) -> Expr:  # noqa: N802
        return Constant(evaluated(node))

    def _Tuple(self, node: cst.Tuple) -> Expr:  # noqa: N802
        return Collection(self._elements(node.elements), "tuple")

    def _List(self, node: cst.List) -> Expr:  # noqa: N802
        return Collection(self._elements(node.elements), "list")

    def _Set(self, node: cst.Set) -> Expr:  # noqa: N802
        return Collection(self._elements(node.elements), "set")

    def _elements(self, elements: Iterable[cst.BaseElement]) -> tuple[Expr, ...]:
        return tuple(self.expr(e) if isinstance(e, cst.StarredElement) else self.expr(e.value) for e in elements)

    def _StarredElement(self, node: cst.StarredElement) -> Expr:  # noqa: N802
        return Starred(self.expr(node.value))

    def _Dict(self, node: cst.Dict) -> Expr:  # noqa: N802
        return Dict(tuple(self._dict_item(element) for element in node.elements))

    def _dict_item(self, element: cst.BaseDictElement) -> DictItem:
        order = self.next_order()
        key = self.expr(element.key) if isinstance(element, cst.DictElement) else None
        return self._numbered(DictItem(key, self.expr(element.value)), order)

    # ------------------------------------------------------------------------------------------------ operators

    def _BooleanOperation(self, node: cst.BooleanOperation) -> Expr:  # noqa: N802
        op = "or" if isinstance(node.operator, cst.Or) else "and"
        return BoolOp((self.expr(node.left), self.expr(node.right)), op)

    def _BinaryOperation(self, node: cst.BinaryOperation) -> Expr:  # noqa: N802
        # A long sum leans to the left: follow it in a loop, so that its length is not bounded by recursion.
        rights: list[cst.BaseExpression] = []
        operators: list[str] = []
        left: cst.BaseExpression = node
        while isinstance(left, cst.BinaryOperation):
            rights.append(left.right)
            operators.append(_OPERATORS.get(type(left.operator).__name__, ""))
            left = left.left
        return Operation(self._exprs([left, *reversed(rights)]), "", tuple(reversed(operators)))

    def _UnaryOperation(self, node: cst.UnaryOperation) -> Expr:  # noqa: N802
        return Other((self.expr(node.expression),), "not" if isinstance(node.operator, cst.Not) else "")

    def _Comparison(self, node: cst.Comparison) -> Expr:  # noqa: N802
        operators = tuple(_OPERATORS.get(type(target.operator).__name__, "") for target in node.comparisons)
        parts = self._exprs([node.left, *(target.comparator for target in node.comparisons)])
        return Operation(parts, operators[0] if len(operators) == 1 else "", operators)

    def _IfExp(self, node: cst.IfExp) -> Expr:  # noqa: N802
        return IfExp(self.expr(node.body), self.expr(node.test), self.expr(node.orelse))

    def _NamedExpr(self, node: cst.NamedExpr) -> Expr:  # noqa: N802
        value = self.expr(node.value)
        target = self.target(node.target, lambda name, index: Assigned(value, name, index))
        return NamedExpr(target, value)

    def _Yield(self, node: cst.Yield) -> Expr:  # noqa: N802
        if isinstance(node.value, cst.From):
            lowered = Yield(self.expr(node.value.item), is_from=True)
        else:
            lowered = Yield(self._optional(node.value))
        if self.yields:
            self.yields[-1].append(lowered)
        return lowered

    def _other(self, node: cst.CSTNode) -> Expr:
        return Other(tuple(self._inner(node)))

    def _inner(self, node: cst.CSTNode) -> Iterable[Expr]:
        for child in node.children:
            if isinstance(child, cst.BaseExpression):
                yield self.expr(child)
            elif not isinstance(child, cst.BaseParenthesizableWhitespace | cst.Comma):
                yield from self._inner(child)

    # --------------------------------------------------------------------------------------------------- targets

    def target(self, node: cst.CSTNode, make: MakeBinding) -> Expr:
        """Lower a target and bind its names; `make` builds the binding for a name and a place in an unpacking."""
        lowered = self.expr(node)
        self._bind(lowered, make, None)
        return lowered

    def _bind(self, target: Expr, make: MakeBinding, index: int | None) -> None:
        if isinstance(target, Name):
            self._no_use(target)
            self.scope.bind(target.id, make(target, index))
        elif isinstance(target, Collection):
            for position, item in enumerate(target.items):
                self._bind(item, make if index is None else _opaque, position)
        elif isinstance(target, Starred):
            self._bind(target.value, _opaque, None)

    def _no_use(self, name: Name) -> None:
        uses = self.names[name.id]
        if uses[-1] is name:
            uses.pop()
        else:
            uses.remove(name)


def _opaque(name: Name, _: int | None) -> Opaque:
    return Opaque(name)


def _string_parts(expr: Expr) -> tuple[Expr, ...]:
    return expr.parts if isinstance(expr, FString) else (expr,)


_PLAIN_STRING = re.compile(r"""\"(?!\"\")([^"\\\r\n]*)\"|'(?!'')([^'\\\r\n]*)'""")


def evaluated(node: cst.SimpleString | cst.Integer | cst.Float) -> object:
    """The value of a literal, Ellipsis if this Python refuses it."""
    text = node.value
    plain = _PLAIN_STRING.fullmatch(text)
    if plain is not None:  # most are: LibCST would have Python parse each again
        return plain[1] or plain[2] or ""
    try:
        return node.evaluated_value
    except Exception:  # an escape or number that this Python refuses: the value does not matter then
        return ...
