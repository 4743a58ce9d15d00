"""Expressions that open a scope of their own: lambdas and comprehensions; and the parameters of functions."""

from __future__ import annotations

from typing import Any

import libcst as cst

from supavisor_lint.facts.lower_expressions import ExpressionLowering, evaluated
from supavisor_lint.facts.scopes import Iterated, Scope
from supavisor_lint.facts.tree import Comprehension, Expr, Generator, Lambda, Param


class ScopedLowering(ExpressionLowering):
    """Lowers what binds names inside an expression."""

    def _Lambda(self, node: cst.Lambda) -> Expr:  # noqa: N802
        params = self.params(node.params)
        scope = Scope("lambda", self.scope, None)
        for param in params:
            scope.bind(param.name, param)
        outer, self.scope = self.scope, scope
        self.yields.append([])
        body = self.expr(node.body)
        self.yields.pop()
        self.scope = outer
        scope.node = Lambda(params, body, scope)
        return scope.node

    def params(self, node: cst.Parameters) -> tuple[Param, ...]:
        """Lower parameters; defaults and annotations belong to the enclosing scope."""
        pairs: list[tuple[cst.Param, str]] = [(p, "positional") for p in (*node.posonly_params, *node.params)]
        if isinstance(node.star_arg, cst.Param):
            pairs.append((node.star_arg, "*"))
        pairs += [(p, "keyword") for p in node.kwonly_params]
        if node.star_kwarg is not None:
            pairs.append((node.star_kwarg, "**"))
        return tuple(self._param(param, kind) for param, kind in pairs)

    def _param(self, node: cst.Param, kind: str) -> Param:
        order = self.next_order()
        annotation = self.annotation(node.annotation)
        param = Param(node.name.value, annotation, self._optional(node.default), kind)
        self.want(param, order, node.name)
        return param

    def annotation(self, node: cst.Annotation | None) -> Expr | None:
        """Lower an annotation; a string is read as the expression that it spells."""
        if node is None:
            return None
        text = evaluated(node.annotation) if isinstance(node.annotation, cst.SimpleString) else None
        if isinstance(text, str):
            try:
                return self.expr(cst.parse_expression(text))
            except Exception:  # whatever LibCST cannot read is no type that we know
                return self.expr(node.annotation)
        return self.expr(node.annotation)

    def _comprehension(self, node: Any, kind: str, elements: list[cst.BaseExpression]) -> Expr:
        scope = Scope("comprehension", self.scope, None)
        first = self.expr(node.for_in.iter)  # evaluated outside
        outer, self.scope = self.scope, scope
        generators: list[Generator] = []
        for_in: cst.CompFor | None = node.for_in
        while for_in is not None:
            iterated = first if not generators else self.expr(for_in.iter)
            generators.append(self._generator(for_in, iterated))
            for_in = for_in.inner_for_in
        lowered = Comprehension(self._exprs(elements), tuple(generators), kind, scope)
        self.scope = outer
        scope.node = lowered
        return lowered

    def _generator(self, node: cst.CompFor, iterated: Expr) -> Generator:
        order = self.next_order()
        is_async = node.asynchronous is not None
        target = self.target(node.target, lambda name, index: Iterated(iterated, is_async, name, index))
        return self._numbered(Generator(target, iterated, self._exprs(i.test for i in node.ifs), is_async), order)

    def _GeneratorExp(self, node: cst.GeneratorExp) -> Expr:  # noqa: N802
        return self._comprehension(node, "generator", [node.elt])

    def _ListComp(self, node: cst.ListComp) -> Expr:  # noqa: N802
        return self._comprehension(node, "list", [node.elt])

    def _SetComp(self, node: cst.SetComp) -> Expr:  # noqa: N802
        return self._comprehension(node, "set", [node.elt])

    def _DictComp(self, node: cst.DictComp) -> Expr:  # noqa: N802
        return self._comprehension(node, "dict", [node.key, node.value])
