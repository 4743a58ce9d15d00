"""LibCST's tree to the lowered tree: the one walk over a file. Statements here, expressions in the base class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import libcst as cst

from supavisor_lint.facts.lower_names import alias, dotted, pattern_names
from supavisor_lint.facts.lower_scopes import ScopedLowering
from supavisor_lint.facts.node import NO_SPAN
from supavisor_lint.facts.positions import Section
from supavisor_lint.facts.scopes import Assigned, Entered, Iterated, ModuleImport, NameImport, Opaque, Scope
from supavisor_lint.facts.statements import (
    Assign,
    ClassDef,
    Delete,
    ExprStmt,
    For,
    FunctionDef,
    Handler,
    If,
    Import,
    ImportFrom,
    Match,
    MatchCase,
    Module,
    Raise,
    Return,
    Simple,
    Try,
    While,
    With,
    WithItem,
)
from supavisor_lint.facts.tree import Block, Expr, Name, Stmt

_NAMED = (cst.FunctionDef, cst.ClassDef)


class Lowering(ScopedLowering):
    """Lowers one module; `sections`, `functions`, `classes` and the inherited indexes are filled on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.sections: list[Section] = []
        self.functions: list[FunctionDef] = []
        self.classes: list[ClassDef] = []
        self._qualname: list[str] = []
        self._results: list[list[Expr]] = [[]]
        self._statements: dict[str, Callable[[Any], Stmt]] = {}

    def module(self, node: cst.Module) -> Module:
        """Lower a whole module."""
        module = Module(self._sectioned(node.body, ()), self.scope)
        module.set_order(0)
        module.set_span(NO_SPAN)
        self.scope.node = module
        return module

    # ---------------------------------------------------------------------------------------------------- blocks

    def _sectioned(self, lines: Sequence[cst.CSTNode], indents: tuple[str | None, ...]) -> Block:
        """Lower the lines of a module or of a class at its left edge: each becomes a section of its own."""
        statements: list[Stmt] = []
        for line in lines:
            outer, self.wanted = self.wanted, []
            self.sections.append(Section(line, self._order + 1, self.wanted, indents))
            statements += self._lines((line,))
            self.wanted = outer
        return tuple(statements)

    def _class_body(self, node: cst.ClassDef) -> Block:
        section = self.sections[-1]
        if section.node is node and isinstance(node.body, cst.IndentedBlock):
            return self._sectioned(node.body.body, (*section.indents, node.body.indent))
        return self._block(node.body)

    def _lines(self, lines: Sequence[cst.CSTNode]) -> Block:
        statements: list[Stmt] = []
        for line in lines:
            if isinstance(line, cst.SimpleStatementLine):
                statements += [self._statement(small) for small in line.body]
            else:
                statements.append(self._statement(line))
        return tuple(statements)

    def _block(self, suite: cst.BaseSuite) -> Block:
        if isinstance(suite, cst.SimpleStatementSuite):
            return tuple(self._statement(small) for small in suite.body)
        return self._lines(suite.body)

    def _orelse(self, node: cst.Else | cst.If | None) -> Block:
        if node is None:
            return ()
        if isinstance(node, cst.If):
            return (self._statement(node),)
        return self._block(node.body)

    def _statement(self, node: cst.CSTNode) -> Stmt:
        kind = type(node).__name__
        method = self._statements.get(kind)
        if method is None:
            method = self._statements[kind] = getattr(self, f"_{kind}", self._simple)
        order = self.next_order()
        statement = method(node)
        self.want(statement, order, node, node.name if isinstance(node, _NAMED) else None)
        return statement

    # ------------------------------------------------------------------------------------------ definitions, imports

    def _FunctionDef(self, node: cst.FunctionDef) -> Stmt:  # noqa: N802
        decorators = tuple(self.expr(d.decorator) for d in node.decorators)
        params = self.params(node.params)
        returns = self.annotation(node.returns)
        scope = Scope("function", self.scope, None)
        for param in params:
            scope.bind(param.name, param)
        self._bind_type_parameters(scope, node.type_parameters)
        qualname = ".".join([*self._qualname, node.name.value])
        outer, self.scope = self.scope, scope
        self._qualname += [node.name.value, "<locals>"]
        self.yields.append([])
        self._results.append([])
        body = self._block(node.body)
        yields, results = tuple(self.yields.pop()), tuple(self._results.pop())
        del self._qualname[-2:]
        self.scope = outer
        function = FunctionDef(
            node.name.value,
            decorators,
            params,
            returns,
            body,
            node.asynchronous is not None,
            qualname,
            scope,
            yields=yields,
            results=results,
        )
        scope.node = function
        outer.bind(function.name, function)
        self.functions.append(function)
        return function

    def _ClassDef(self, node: cst.ClassDef) -> Stmt:  # noqa: N802
        decorators = tuple(self.expr(d.decorator) for d in node.decorators)
        bases = tuple(self.expr(arg.value) for arg in node.bases)
        qualname = ".".join([*self._qualname, node.name.value])
        self._bind_type_parameters(self.scope, node.type_parameters)  # methods see them, unlike the class's own names
        scope = Scope("class", self.scope, None)
        outer, self.scope = self.scope, scope
        self._qualname.append(node.name.value)
        body = self._class_body(node)
        self._qualname.pop()
        self.scope = outer
        definition = ClassDef(node.name.value, decorators, bases, body, qualname, scope)
        scope.node = definition
        outer.bind(definition.name, definition)
        self.classes.append(definition)
        return definition

    def _bind_type_parameters(self, scope: Scope, parameters: cst.TypeParameters | None) -> None:
        """`def f[T](…)`, `class C[T]`: the names are bound for the body; nothing is known of them."""
        for parameter in parameters.params if parameters is not None else ():
            name = Name(parameter.param.name.value)
            name.be_root()
            self.want(name, self.next_order(), parameter.param.name)
            scope.bind(name.id, Opaque(name))

    def _Import(self, node: cst.Import) -> Stmt:  # noqa: N802
        names = tuple(alias(one) for one in node.names)
        statement = Import(names)
        for name, asname in names:
            bound = name.partition(".")[0]
            self.scope.bind(asname or bound, ModuleImport(name if asname else bound, statement))
        return statement

    def _ImportFrom(self, node: cst.ImportFrom) -> Stmt:  # noqa: N802
        module, level = dotted(node.module), len(node.relative)
        if isinstance(node.names, cst.ImportStar):
            self.scope.star_import = True
            return ImportFrom(module, level, None)
        names = tuple(alias(one) for one in node.names)
        statement = ImportFrom(module, level, names)
        for name, asname in names:
            self.scope.bind(asname or name, NameImport(module, level, name, statement))
        return statement

    # ------------------------------------------------------------------------------------------- simple statements

    def _Expr(self, node: cst.Expr) -> Stmt:  # noqa: N802
        return ExprStmt(self.expr(node.value))

    def _Assign(self, node: cst.Assign) -> Stmt:  # noqa: N802
        value = self.expr(node.value)
        targets = tuple(self.target(t.target, lambda name, index: Assigned(value, name, index)) for t in node.targets)
        return Assign(targets, value)

    def _AnnAssign(self, node: cst.AnnAssign) -> Stmt:  # noqa: N802
        annotation = self.annotation(node.annotation)
        value = self._optional(node.value)
        target = self.target(node.target, lambda name, index: Assigned(value, name, index, annotation=annotation))
        return Assign((target,), value, annotation)

    def _AugAssign(self, node: cst.AugAssign) -> Stmt:  # noqa: N802
        value = self.expr(node.value)
        target = self.target(node.target, lambda name, _: Opaque(name))
        return Assign((target,), value, augmented=True)

    def _Return(self, node: cst.Return) -> Stmt:  # noqa: N802
        value = self._optional(node.value)
        if value is not None:
            self._results[-1].append(value)
        return Return(value)

    def _Raise(self, node: cst.Raise) -> Stmt:  # noqa: N802
        cause = node.cause.item if node.cause is not None else None
        return Raise(self._optional(node.exc), self._optional(cause))

    def _Del(self, node: cst.Del) -> Stmt:  # noqa: N802
        return Delete((self.expr(node.target),))

    def _Global(self, node: cst.Global) -> Stmt:  # noqa: N802
        self.scope.globals.update(item.name.value for item in node.names)
        return Simple("global")

    def _Nonlocal(self, node: cst.Nonlocal) -> Stmt:  # noqa: N802
        self.scope.nonlocals.update(item.name.value for item in node.names)
        return Simple("nonlocal")

    def _TypeAlias(self, node: cst.TypeAlias) -> Stmt:  # noqa: N802
        self._bind_type_parameters(self.scope, node.type_parameters)
        value = self.expr(node.value)
        target = self.target(node.name, lambda name, index: Assigned(value, name, index))
        return Assign((target,), value)

    def _simple(self, node: cst.CSTNode) -> Stmt:
        return Simple(type(node).__name__.lower(), tuple(self._inner(node)))

    # ----------------------------------------------------------------------------------------- compound statements

    def _If(self, node: cst.If) -> Stmt:  # noqa: N802
        return If(self.expr(node.test), self._block(node.body), self._orelse(node.orelse))

    def _While(self, node: cst.While) -> Stmt:  # noqa: N802
        return While(self.expr(node.test), self._block(node.body), self._orelse(node.orelse))

    def _For(self, node: cst.For) -> Stmt:  # noqa: N802
        iterated = self.expr(node.iter)
        is_async = node.asynchronous is not None
        target = self.target(node.target, lambda name, index: Iterated(iterated, is_async, name, index))
        return For(target, iterated, self._block(node.body), self._orelse(node.orelse), is_async)

    def _Try(self, node: cst.Try) -> Stmt:  # noqa: N802
        return self._try(node, is_star=False)

    def _TryStar(self, node: cst.TryStar) -> Stmt:  # noqa: N802
        return self._try(node, is_star=True)

    def _try(self, node: cst.Try | cst.TryStar, is_star: bool) -> Stmt:
        body = self._block(node.body)
        handlers = tuple(self._handler(handler) for handler in node.handlers)
        finalbody = self._block(node.finalbody.body) if node.finalbody is not None else ()
        return Try(body, handlers, self._orelse(node.orelse), finalbody, is_star)

    def _handler(self, node: cst.ExceptHandler | cst.ExceptStarHandler) -> Handler:
        order = self.next_order()
        caught = self._optional(node.type)
        name = node.name.name if node.name is not None else None
        bound = name.value if isinstance(name, cst.Name) else None
        handler = Handler(caught, bound, ())
        if bound is not None:
            self.scope.bind(bound, Opaque(handler))
        handler.body = self._block(node.body)
        handler._adopt(handler.body)
        self.want(handler, order, node, node.type if node.type is not None else len("except"))
        return handler

    def _With(self, node: cst.With) -> Stmt:  # noqa: N802
        is_async = node.asynchronous is not None
        items = tuple(self._with_item(item, is_async) for item in node.items)
        return With(items, self._block(node.body), is_async)

    def _with_item(self, node: cst.WithItem, is_async: bool) -> WithItem:
        order = self.next_order()
        context = self.expr(node.item)
        target: Expr | None = None
        if node.asname is not None:
            target = self.target(node.asname.name, lambda name, index: Entered(context, is_async, name, index))
        item = WithItem(context, target)
        self.want(item, order, node.item)
        return item

    def _Match(self, node: cst.Match) -> Stmt:  # noqa: N802
        subject = self.expr(node.subject)
        return Match(subject, tuple(self._case(case) for case in node.cases))

    def _case(self, node: cst.MatchCase) -> MatchCase:
        order = self.next_order()
        names = tuple(pattern_names(node.pattern))
        values = tuple(self._inner(node.pattern))
        case = MatchCase(names, values, None, ())
        for name in names:
            self.scope.bind(name, Opaque(case))
        case.guard = self._optional(node.guard)
        case.body = self._block(node.body)
        case._adopt(case.guard, case.body)
        self.want(case, order, node.pattern)
        return case
