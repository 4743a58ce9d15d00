"""The names that the project gives to factories, helpers, getters and dependencies, and the session modules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from supavisor_lint.facts.file import FileFacts, enclosing_function, walk_own
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned, Binding, NameImport
from supavisor_lint.facts.statements import ClassDef, ExprStmt, FunctionDef
from supavisor_lint.facts.tree import Attribute, Call, Expr
from supavisor_lint.findings import Place
from supavisor_lint.project import calls, members, names, results, unpacking
from supavisor_lint.project.classes import is_session_class
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.values import (
    ClassValue,
    Decorated,
    Factory,
    FunctionValue,
    Instance,
    Manager,
    Session,
    Value,
)
from supavisor_lint.project.vocabulary import SESSION_MAKERS
from supavisor_lint.sources.discovery import is_test_file

Role = str  # "factory", "builder", "helper", "getter", "dependency"


@dataclass(frozen=True, slots=True)
class Named:
    """A name that plays a role in opening sessions, with the node that gives it.

    `owner` is the class of a method or attribute; `imported` tells that the thing itself is defined elsewhere;
    `binding` is how a module-level name comes by a factory.
    """

    file: FileFacts
    name: str
    node: Node
    role: Role
    owner: ClassDef | None = None
    imported: bool = False
    binding: Binding | None = None


class SessionNames:
    """Answers by definition: which role does a function, class or name play in opening sessions?"""

    def __init__(self, evaluator: Evaluator) -> None:
        self._ev = evaluator
        self._roles: dict[FunctionDef | ClassDef, Role | None] = {}
        self._modules: dict[str, bool] = {}
        self._defined: dict[str, list[tuple[FileFacts, Node, Role]]] = {}
        self._named: dict[str, tuple[list[Named], set[str]]] = {}  # by path: linking asks in every round
        self.factories: dict[Factory, None] = {}  # those that names of modules outside the tests are bound to, in order
        self.vocabulary: frozenset[str] = frozenset()

    def of(self, files: Iterable[FileFacts]) -> tuple[frozenset[str], frozenset[str]]:
        """The names of factories and getters, and the names of helpers and dependencies, in these files."""
        loud: set[str] = set()
        calm: set[str] = set()
        self._defined, self.factories = {}, {}
        for file in files:
            found, helpers = self._named_once(file)
            for named in found:
                (calm if named.role in ("helper", "dependency") else loud).add(named.name)
                if named.owner is None:
                    self._defined.setdefault(named.name, []).append((file, named.node, named.role))
                if named.binding is not None and not is_test_file(file.path):
                    values = names.binding_values(self._ev, file, named.binding)
                    self.factories |= dict.fromkeys(value for value in values if isinstance(value, Factory))
            loud |= helpers
        self.vocabulary = frozenset({*loud, *calm, *self._settings_names(), *SESSION_MAKERS})
        return frozenset(loud), frozenset(calm)

    def _named_once(self, file: FileFacts) -> tuple[list[Named], set[str]]:
        """What a file names, and its helpers that do not commit."""
        if file.path not in self._named:
            helpers = {f.name for f in file.functions if self.role(file, f) == "helper" and not _commits(f)}
            self._named[file.path] = (list(self.named_in(file)), helpers)
        return self._named[file.path]

    def _settings_names(self) -> Iterable[str]:
        settings = self._ev.settings
        listed = (*settings.session_factories, *settings.session_helpers, *settings.phase_helpers)
        return (name.rpartition(".")[2] for name in listed)

    def named_in(self, file: FileFacts) -> Iterable[Named]:
        """What a file names that plays a role: at module level, the methods and attributes of its classes."""
        for name, bindings in file.scope.bindings.items():
            for binding in bindings:
                if isinstance(binding, _DEFINING) and not _is_plain_import(name, binding):
                    role = self._role_of_binding(file, binding)
                    if role is not None:
                        node = binding if isinstance(binding, FunctionDef | ClassDef) else binding.node
                        is_import = isinstance(binding, NameImport)
                        source = binding if role == "factory" else None
                        yield Named(file, name, node, role, imported=is_import, binding=source)
        for function in file.functions:
            if isinstance(function.parent, ClassDef):
                role = self.role(file, function)
                if role is not None:
                    yield Named(file, function.name, function, role, function.parent)
        for cls in file.classes:
            if is_session_class(self._ev, ClassValue(file, cls)):
                yield Named(file, cls.name, cls, "class", cls)
            for attr in {*members.self_assignments(cls), *members.self_unpackings(cls), *cls.scope.bindings}:
                if _is_method(cls, attr):
                    continue
                values = members.member(self._ev, Instance(ClassValue(file, cls)), attr)
                made = [value.node for value in values if isinstance(value, Factory)]
                if made:
                    here = next((node for node in made if node is not None and cls.contains(node)), None)
                    yield Named(file, attr, here or cls, "factory", cls, imported=here is None)

    def defined(self, name: str) -> list[tuple[FileFacts, Node, Role]]:
        """What the project defines of that name at module level: the file, the definition, its role."""
        return list(self._defined.get(name, ()))

    def definitions_of(self, name: str) -> list[Place]:
        """Where the project defines a factory, helper, getter or dependency of that name, at module level."""
        return sorted(
            Place(file.path, node.span.line, node.span.column, f"`{name}` is defined here (session {role})")
            for file, node, role in self._defined.get(name, ())
        )

    def nameable(self, names: Iterable[str]) -> list[str]:
        """Those of some names that mean a session helper or factory somewhere, by definition or by the settings.

        A factory that only the settings name is left out: where nothing binds it, its call is reported as such.
        """
        settings = self._ev.settings
        helpers = {n.rpartition(".")[2] for n in (*settings.session_helpers, *settings.phase_helpers)}
        return sorted(name for name in names if name in self._defined or name in helpers)

    def _role_of_binding(self, file: FileFacts, binding: Binding) -> Role | None:
        if isinstance(binding, FunctionDef | ClassDef):
            return self.role_of_definition(file, binding)
        values = names.binding_values(self._ev, file, binding)
        return next((role for role in map(self.role_of_value, values) if role is not None), None)

    def role_of_definition(self, file: FileFacts, node: FunctionDef | ClassDef) -> Role | None:
        """The role of a function or class as its `def` or `class` says."""
        return self.role(file, node) if isinstance(node, FunctionDef) else self.class_role(file, node)

    def role_of_value(self, value: Value) -> Role | None:
        """The role of a value: a factory, or by the definition that it leads to."""
        match value:
            case Factory():
                return "factory"
            case Decorated(FunctionValue(file, node)) | FunctionValue(file, node):
                role = self.role(file, node)
                return "helper" if isinstance(value, Decorated) and role == "dependency" else role
            case ClassValue(file, node):
                return self.class_role(file, node)
            case _:
                return None

    def role(self, file: FileFacts, function: FunctionDef) -> Role | None:
        """The role of a function: helper, getter, dependency, builder (returns a factory), or None."""
        if function not in self._roles:
            self._roles[function] = None  # while it is being computed
            self._roles[function] = self._compute_role(file, function)
        return self._roles[function]

    def _compute_role(self, file: FileFacts, function: FunctionDef) -> Role | None:
        if any(_is_fixture(decorator) for decorator in function.decorators):
            return None  # pytest calls it, nobody else
        value = FunctionValue(file, function)
        if function.is_generator:
            if not any(isinstance(v, Session) for v in results.yielded(self._ev, value)):
                return None
            made = names.decorated(self._ev, file, function)
            return "helper" if isinstance(made, Decorated) else "dependency"
        returned = results.returned(self._ev, file, function)
        if any(isinstance(v, Factory) for v in (*returned, *unpacking.parts_returned(self._ev, value))):
            return "builder"
        if any(isinstance(v, Manager) and self._manages(v) for v in returned):
            return "helper"
        if any(isinstance(v, Session) and v.source not in ("parameter", "request") for v in returned):
            return "getter" if self._returns_own(file, function) else None
        return None

    def _manages(self, manager: Manager) -> bool:
        return any(isinstance(v, Session) for v in calls.entered(self._ev, _NO_FILE, (manager,)))

    def _returns_own(self, file: FileFacts, function: FunctionDef) -> bool:
        """Whether the session that a function returns is not one that it has entered (and so closed) itself."""
        given = (v for value in function.results for v in self._ev.values(file, value))
        return any(isinstance(v, Session) and v.source in ("factory", "class", "getter") for v in given)

    def class_role(self, file: FileFacts, cls: ClassDef) -> Role | None:
        """ "helper" for a class whose `__aenter__` gives a session."""
        if cls not in self._roles:
            self._roles[cls] = None
            instance = Instance(ClassValue(file, cls))
            entered = calls.entered(self._ev, file, (instance,))
            self._roles[cls] = "helper" if any(isinstance(v, Session) for v in entered) else None
        return self._roles[cls]

    # ------------------------------------------------------------------------------------------ session modules

    def is_session_module(self, file: FileFacts, session_calls: Iterable[Call]) -> bool:
        """Whether a module defines a factory: at module level, through `global`, an attribute, or a builder.

        `session_calls` are those calls of the file that may make one.
        """
        if file.path not in self._modules:
            self._modules[file.path] = self._named_module(file) or self._defines_factory(file, session_calls)
        return self._modules[file.path]

    def _named_module(self, file: FileFacts) -> bool:
        wanted = set(self._ev.settings.session_modules)
        return bool(wanted) and (file.path in wanted or not wanted.isdisjoint(self._ev.files.dotted_names(file.path)))

    def _defines_factory(self, file: FileFacts, session_calls: Iterable[Call]) -> bool:
        for call in session_calls:
            for value in self._ev.values(file, call):
                if isinstance(value, Factory) and value.node is call and not value.on_the_spot:
                    return True
        return any(self.role(file, f) == "builder" and self._builds_here(file, f) for f in file.functions)

    def _builds_here(self, file: FileFacts, function: FunctionDef) -> bool:
        return any(
            isinstance(v, Factory) and v.file is file and v.node is not None and enclosing_function(v.node) is function
            for v in results.returned(self._ev, file, function)
        )

    def may_use_factory(self, file: FileFacts, function: FunctionDef | None) -> bool:
        """Whether a function is, or stands in, a helper, dependency or getter (or its class is a helper)."""
        node: object = function
        while node is not None:
            if isinstance(node, FunctionDef) and self.role(file, node) in ("helper", "getter", "dependency"):
                return True
            if isinstance(node, ClassDef) and self.class_role(file, node) is not None:
                return True
            node = getattr(node, "parent", None)
        return False


def _is_plain_import(name: str, binding: Binding) -> bool:
    """An import that gives no new name; under a new one others may import the thing from here."""
    return isinstance(binding, NameImport) and binding.name == name


def _is_fixture(decorator: Expr) -> bool:
    called = decorator.func if isinstance(decorator, Call) else decorator
    return (called.attr if isinstance(called, Attribute) else getattr(called, "id", "")) == "fixture"


def _is_method(cls: ClassDef, attr: str) -> bool:
    """Whether an attribute of a class is nothing but a method, or several: a decorator may make it a property."""
    bindings = cls.scope.bindings.get(attr, ())
    return bool(bindings) and all(isinstance(b, FunctionDef) and not b.decorators for b in bindings)


_DEFINING = (Assigned, NameImport, FunctionDef, ClassDef)
_NO_FILE = FileFacts.__new__(FileFacts)


def _commits(function: FunctionDef) -> bool:
    """Whether a helper commits, as far as its own text tells: what is written in its block is not lost then."""
    nodes = (node for statement in function.body for node in walk_own(statement))
    named = [node for node in nodes if isinstance(node, Attribute) and node.attr in ("commit", "begin")]
    if not function.is_async:
        return bool(named)
    return any(node.parent is None or not isinstance(node.parent.parent, ExprStmt) for node in named)  # awaited
