"""The names of a function that have to do with one session: what holds it, and what came out of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from supavisor_lint.facts.file import enclosing_function, scope_of, walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned, Binding, Entered, Iterated
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import Assign, ClassDef, FunctionDef, If, Match, While, WithItem
from supavisor_lint.facts.tree import (
    Argument,
    Attribute,
    Call,
    Comprehension,
    Expr,
    Lambda,
    Name,
    NamedExpr,
    Other,
    Param,
)
from supavisor_lint.project.mapped import orm_parameter
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.row_names import bound_value, handed_on, names_with_fields, unpacked_targets

KEEPS = frozenset({"append", "add", "put", "put_nowait", "setdefault", "insert", "extend", "appendleft", "update"})
"""The methods by which a container keeps what it is given."""

_OBJECT_ARGUMENTS = frozenset({"add", "add_all", "merge", "delete", "refresh", "expunge"})


class SessionNames:
    """One session variable of a function, by its name.

    `objects` hold what the session gave or was given: ORM objects, results, containers of them. `holders` were made
    with the session, and may use it. A plain value of an object (`url = job.url`) is neither. `kept` are the places
    where objects go where other code of the project has them: `self`, a parameter, a variable of the module.
    """

    def __init__(self, function: FunctionDef, session: str, rows: Iterable[str] = ()) -> None:
        """Take a function and the name of its session; `rows` are parameters that hold objects of the session."""
        self.function = function
        self.session = session
        self.objects: set[str] = set(rows)
        self.holders: set[str] = set()
        self.kept: set[Node] = set()
        self._nodes = [node for statement in function.body for node in walk(statement)]
        self._grow()

    def _grow(self) -> None:
        """Follow the bindings until no more names are found: they may stand in any order."""
        self.objects |= {name.id for name in self._arguments_of_session()}
        known = -1
        while known != len(self.objects) + len(self.holders):
            known = len(self.objects) + len(self.holders)
            for name, bindings in self.function.scope.bindings.items():
                if name != self.session:
                    for binding in bindings:
                        self._take(name, binding)
            for node in self._nodes:
                self._put(node)

    def _arguments_of_session(self) -> Iterator[Name]:
        """The names in `session.add(job)` and the like."""
        for node in self._nodes:
            if isinstance(node, Call) and self.is_method(node, _OBJECT_ARGUMENTS):
                for argument in node.args:
                    yield from (name for name in handed_on(argument.value) if self._is_own(name))

    def _put(self, node: Node) -> None:
        """`jobs.append(job)`, `found["a"] = job`, `jobs += result`, `first, *rest = jobs`, `case job:`."""
        value = bound_value(node)
        if value is not None:
            self._flow(node, value)
        match node:
            case Call(Attribute(receiver, attr), args) if attr in KEEPS and not self.is_session(receiver):
                if any(self._gives_object(argument.value) for argument in args):
                    self._put_into(receiver)
                elif self.is_object(receiver):
                    self._take_from([argument.value for argument in args if isinstance(argument.value, Name)])
            case Match(subject, cases) if self._gives_object(subject):
                self.objects |= {name for case in cases for name in case.names}
            case _:
                pass

    def _flow(self, node: Node, value: Expr) -> None:
        """From a value to what it is bound to or put into, and from a row back to what it was called before."""
        plain = isinstance(node, Assign | NamedExpr)
        gives = self._gives_object(value) if plain else self.touches(value)
        for target in unpacked_targets(node):
            if isinstance(target, Name) and not self._is_put(node, target):
                if gives and target not in getattr(node, "targets", ()) and not isinstance(node, NamedExpr):
                    self.objects.add(target.id)
                elif self.is_object(target) and not isinstance(node, WithItem):
                    self._take_from([value])
            elif gives and plain:
                self._put_into(target)

    def _is_put(self, node: Node, target: Name) -> bool:
        """Whether a value goes into what a name holds already, or to where others have it."""
        return (isinstance(node, Assign) and node.augmented) or self._is_others(target)

    def _take_from(self, values: Iterable[Expr]) -> None:
        """What rows were called before they became some."""
        self.objects |= {name.id for value in values for name in handed_on(value) if self._is_plain(name)}

    def _is_plain(self, name: Name) -> bool:
        return self._is_own(name) and not self.is_session(name) and not self.is_holder(name)

    def _is_others(self, target: Expr) -> bool:
        """Whether a name is declared to be that of another scope."""
        scope = self.function.scope
        return isinstance(target, Name) and target.id in scope.globals | scope.nonlocals

    def _put_into(self, target: Expr) -> None:
        root = self.root(target)
        if root is None or root.id == self.session or root.id in self.objects:
            return
        if root.id in self.function.scope.bindings and self.function.param(root.id) is None:
            self.objects.add(root.id)
        else:
            self.kept.add(target)

    def _take(self, name: str, binding: Binding) -> None:
        if isinstance(binding, Assigned) and binding.value is not None:
            if self._makes_holder(binding.value):
                self.holders.add(name)
            elif self._gives_object(binding.value):
                self.objects.add(name)
        else:
            source = getattr(binding, "iter", getattr(binding, "context", None))
            if isinstance(binding, Iterated | Entered) and isinstance(source, Expr) and self.touches(source):
                self.objects.add(name)

    def _makes_holder(self, value: Expr) -> bool:
        """`Repository(session)`: what is made with the session, and not awaited."""
        return isinstance(value, Call) and any(self.is_session(a.value) for a in value.args)

    def _gives_object(self, value: Expr) -> bool:
        """Whether a value may be an object, or hold some: more than plain values read from objects."""
        return any(
            isinstance(node, Name) and self._is_of_session(node) and not _is_of_field(node) for node in walk(value)
        )

    # --------------------------------------------------------------------------------------------------- questions

    @cached_property
    def all(self) -> frozenset[str]:
        """Every name that has to do with the session."""
        return frozenset({self.session, *self.objects, *self.holders})

    def _is_own(self, name: Name) -> bool:
        """Whether a name is the function's own, or that of a comprehension in it."""
        owner = scope_of(name).lookup(name.id)
        in_comprehension = owner is not None and owner.kind == "comprehension" and owner.function is self.function
        return owner is self.function.scope or in_comprehension

    def _is_of_session(self, name: Name) -> bool:
        known = name.id == self.session or name.id in self.objects or name.id in self.holders
        return known and self._is_own(name)

    def is_session(self, expr: Node) -> bool:
        """Whether an expression is the session itself."""
        return isinstance(expr, Name) and expr.id == self.session and self._is_own(expr)

    def is_object(self, expr: Node) -> bool:
        """Whether an expression is a name that may hold an object."""
        return isinstance(expr, Name) and expr.id in self.objects and self._is_own(expr)

    def is_holder(self, expr: Node) -> bool:
        """Whether an expression is a name that holds something made with the session."""
        return isinstance(expr, Name) and expr.id in self.holders and self._is_own(expr)

    def is_method(self, call: Node, names: Iterable[str]) -> bool:
        """Whether a call is one of some methods of the session."""
        func = call.func if isinstance(call, Call) else None
        return isinstance(func, Attribute) and func.attr in names and self.is_session(func.value)

    def touches(self, node: Node) -> bool:
        """Whether any of the names stands in a node."""
        return any(isinstance(inner, Name) and self._is_of_session(inner) for inner in walk(node))

    def root(self, expr: Node) -> Name | None:
        """The name that a chain starts with: `job` of `job.lines[0].text`, `result` of `result.scalars().all()`."""
        while not isinstance(expr, Name):
            inner = expr.func if isinstance(expr, Call) else getattr(expr, "value", None)
            if not isinstance(inner, Expr):
                return None
            expr = inner
        return expr

    # ------------------------------------------------------------------------------------------------------ misuse

    def require_own_name(self) -> None:
        """Raise NoFix where the session has the name of a parameter: which of the two is meant is settled first."""
        if self.function.param(self.session) is not None:
            raise NoFix(
                f"`{self.session}` is a parameter of `{self.function.name}` as well: rename one of them (SUP203)"
            )

    def require_plain_use(self, block: Iterable[Node]) -> None:
        """Raise NoFix where a block does more with the session than call its methods and pass it to calls.

        Or where a function that is defined elsewhere in this one uses it: the block may call that.
        """
        for name in (node for statement in self.function.body for node in walk(statement)):
            if isinstance(name, Name) and name.id == self.session:
                self._require_in_sight(name)
        for statement in block:
            for node in walk(statement):
                if isinstance(node, Name) and node.id == self.session:
                    self._require_plain(node)
        for statement in block:
            for node in walk(statement):
                if (look := look_at_all_names(node)) is not None:
                    raise NoFix(f"line {node.span.line} may use `{self.session}` by `{look}()`")
                if isinstance(node, FunctionDef | ClassDef) and self.touches(node):
                    raise NoFix(f"line {node.span.line}: `{node.name}` is made of objects of `{self.session}`")

    def _require_in_sight(self, name: Name) -> None:
        if self._is_inside_another(name) and scope_of(name).lookup(name.id) is self.function.scope:
            raise NoFix(f"line {name.span.line}: `{name.id}` is used by a function inside this one")

    def _is_inside_another(self, name: Name) -> bool:
        return enclosing_function(name) is not self.function or _in_closure(name, self.function)

    def _require_plain(self, name: Name) -> None:
        if self._is_inside_another(name):
            return
        parent = name.parent
        if isinstance(parent, Attribute):
            around = parent.parent
            if isinstance(around, Call) and around.func is parent:
                return
            if parent.attr in ("info", "new", "dirty", "deleted", "is_active", "bind"):
                return
        elif isinstance(parent, Argument) and not parent.star and isinstance(parent.parent, Call):
            return
        elif isinstance(parent, If | While) or (isinstance(parent, Other) and parent.op in ("not", "is", "is not")):
            return  # whether there is one
        raise NoFix(f"line {name.span.line}: `{name.id}` goes where it cannot be followed")


def names_of_session(context: Context, function: FunctionDef, session: str) -> SessionNames:
    """The names of a session in a function, with those of its rows that no binding tells.

    Whoever hands it the session hands it rows of it as well.
    """
    rows = names_with_fields(context, function) - {session}
    if function.param(session) is not None:
        others = [param for param in function.params if param.name != session]
        rows |= {param.name for param in others if _may_be_row(context, function, param)}
    return SessionNames(function, session, rows)


def _may_be_row(context: Context, function: FunctionDef, param: Param) -> bool:
    """Whether a parameter holds a row: by its type, or without one because a field of it is used."""
    if param.annotation is not None:
        return orm_parameter(context.ev, context.file, param)
    if param is function.params[0] and isinstance(function.parent, ClassDef):
        return False
    reads = (
        read for read in context.file.names.get(param.name, ()) if scope_of(read).lookup(read.id) is function.scope
    )
    return any(_is_of_field(read) for read in reads)


def _is_of_field(name: Name) -> bool:
    """`job` of `job.url`, but not of `job.save()`."""
    attribute = name.parent
    if not isinstance(attribute, Attribute) or attribute.value is not name:
        return False
    return not (isinstance(attribute.parent, Call) and attribute.parent.func is attribute)


def look_at_all_names(node: Node) -> str | None:
    """What uses any name of the function, or finds the session of an object: `locals()`, `vars()`, `eval(…)`,
    `exec(…)`, `async_object_session(…)`.
    """
    if not isinstance(node, Call):
        return None
    if last_name(node.func) in ("object_session", "async_object_session"):
        return last_name(node.func)
    if not isinstance(node.func, Name):
        return None
    name = node.func.id
    return name if name in ("locals", "eval", "exec") or (name == "vars" and not node.args) else None


def _in_closure(node: Node, function: FunctionDef) -> bool:
    """Whether a node stands in a lambda, or a generator that runs later."""
    parent = node.parent
    while parent is not None and parent is not function:
        if isinstance(parent, Lambda):
            return True
        if isinstance(parent, Comprehension) and parent.kind == "generator":
            return True
        parent = parent.parent
    return False
