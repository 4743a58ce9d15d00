"""How a session that is opened will end, what a commit and a query do to its objects: read from the definitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.handlers import own_nodes_in
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import ClassDef, For, FunctionDef, WithItem
from supavisor_lint.facts.tree import Attribute, Call, Expr, Name
from supavisor_lint.flow.autocommit import commits_at_once
from supavisor_lint.flow.connections import is_connection, loses_its_own
from supavisor_lint.flow.helper_body import HelperBody, called_methods, exit_method, helper_bodies
from supavisor_lint.flow.operations import OPENED_HERE, SessionFlow
from supavisor_lint.flow.session_keys import session_key
from supavisor_lint.flow.session_options import NOT_ASKED, asked, made_in
from supavisor_lint.flow.values import Exit, Opened, Site
from supavisor_lint.project import results
from supavisor_lint.project.values import (
    ClassValue,
    Decorated,
    External,
    Factory,
    FunctionValue,
    Manager,
    NamedHelper,
    Partial,
    Session,
)
from supavisor_lint.project.vocabulary import SESSION_CLASSES

_ENDS = ("commit", "rollback", "close", "reset", "remove")  # of a registry
_MAX_HELPERS = 6  # a helper over a helper over a helper …


class Openings:
    """Answers for one project, whose factories are given."""

    def __init__(self, flow: SessionFlow, factories: Iterable[Factory] = ()) -> None:
        self._flow = flow
        self._factories = factories
        self._ev = flow.ev
        self._exits: dict[FunctionDef | ClassDef, Exit] = {}

    def opened(self, site: Site, name: str, session: Session, file: FileFacts) -> Opened:
        """What is known of a session that is opened as `name`, in a file."""
        own = session.source in OPENED_HERE
        expires = asked(self._ev, file, site, "expire_on_commit")
        autoflush = asked(self._ev, file, site, "autoflush")
        others = own and self._others_commit(file, site)
        return Opened(
            site,
            name,
            session,
            "unknown" if others else self.exit_of_loop(session) if is_looped_over(site) else self.exit(session),
            self.expires(session) if expires == NOT_ASKED else expires,
            own,
            self.autoflush(session) if autoflush == NOT_ASKED else autoflush,
            self.engine(session),
            others_commit=others,
            at_hand=self._is_at_hand(file, session),
        )

    def _is_at_hand(self, file: FileFacts, session: Session) -> bool:
        """Whether a file ends the sessions of a registry by the registry itself: `Session.commit()`."""
        factory = self.factory(session)
        if factory is None or not factory.registry:
            return False
        return any(
            self._gives(file, attribute.value, factory)
            for name in (*_ENDS, "begin")
            for attribute in file.attributes.get(name, ())
        )

    def _gives(self, file: FileFacts, expr: Expr, factory: Factory) -> bool:
        """Whether an expression is a registry, or asks it for its session in passing."""
        made = self._ev.factory(file, expr.func if isinstance(expr, Call) else expr)
        return made is not None and made.registry and made.node is factory.node

    def _others_commit(self, file: FileFacts, site: Site, depth: int = 0) -> bool:
        """Whether what a session writes may be committed without it: by its engine at once, by its connection."""
        made_by = site.context if isinstance(site, WithItem) else site
        if not isinstance(made_by, Call) or depth > _MAX_HELPERS:
            return False
        callees = self._ev.values(file, made_by.func)
        bind = made_by.argument(0 if _makes_sessions(callees) else None, "bind")
        if bind is not None:
            return commits_at_once(self._ev, file, bind) or (
                is_connection(self._ev, file, bind) is not False and not loses_its_own(made_by)
            )
        if any(self._is_bound_to_others(file, callee) for callee in callees):
            return True
        functions = [v.function if isinstance(v, Decorated) else v for v in callees]
        return any(
            self._others_commit(function.file, inner, depth + 1)
            for function in functions
            if isinstance(function, FunctionValue)
            for inner in made_in(self._ev, function)
        )

    # -------------------------------------------------------------------------------------------------- its end

    def exit(self, session: Session, depth: int = 0) -> Exit:
        """What leaving the session's block does to uncommitted work."""
        definition = session.definition
        if depth > _MAX_HELPERS:
            return "unknown"
        if session.source in ("factory", "class", "getter"):
            if isinstance(definition, Factory) and self._is_bound_to_others(None, definition):
                return "unknown"
            return "commit" if session.begun else "close"
        if session.source != "helper" or definition is None:
            return "unknown"
        if isinstance(definition, NamedHelper):
            return "commit"  # only its name is known: taken for the template's own
        if isinstance(definition, ClassValue):
            return self._exit_of_class(definition)
        if isinstance(definition, FunctionValue):
            return self._exit_of_helper(definition, depth)
        return "unknown"

    def exit_of_loop(self, session: Session, depth: int = 0) -> Exit:
        """The same of an `async for` over a session dependency: what its code behind the `yield` does."""
        definition = session.definition
        if session.source != "dependency" or not isinstance(definition, FunctionValue) or depth > _MAX_HELPERS:
            return "unknown"
        return self._exit_of_helper(definition, depth)

    def commits_when_left(self, session: Session, depth: int = 0) -> bool:
        """Whether a session's generator, or one that it gets the session from, commits though it does not go on."""
        definition = session.definition
        if not isinstance(definition, FunctionValue) or depth > _MAX_HELPERS:
            return False
        return any(
            body.commits_when_closed() or (body.delegates and self.commits_when_left(body.session, depth + 1))
            for body in helper_bodies(self._flow, definition.file, definition.node)
        )

    def _is_bound_to_others(self, file: FileFacts | None, maker: object) -> bool:
        """Whether a factory, or a `partial` of one in a file, is made for what commits without its sessions.

        Nothing waits for their commit on an engine that commits each statement, or on somebody's connection.
        """
        made_by = maker.node if isinstance(maker, Factory) else maker.call if isinstance(maker, Partial) else None
        home = maker.file if isinstance(maker, Factory) else file
        if home is None or not isinstance(made_by, Call):
            return False
        bind = made_by.argument(0 if isinstance(maker, Factory) else None, "bind")
        if bind is None:
            return isinstance(maker, Partial) and self._is_bound_to_others(file, maker.target)
        return commits_at_once(self._ev, home, bind) or is_connection(self._ev, home, bind) is True

    def _exit_of_class(self, cls: ClassValue) -> Exit:
        method = exit_method(cls.node)
        if method is None:
            return "unknown"
        called = called_methods(method)
        if "commit" in called:
            return "commit"
        return "close" if called <= {"close", "aclose", "rollback", "__aexit__", "shield", "create_task"} else "unknown"

    def _exit_of_helper(self, helper: FunctionValue, depth: int) -> Exit:
        node = helper.node
        if node not in self._exits:
            self._exits[node] = "unknown"  # while it is being computed
            exits = {self._exit_of_body(body, depth) for body in helper_bodies(self._flow, helper.file, node)}
            self._exits[node] = exits.pop() if len(exits) == 1 else "unknown"
        return self._exits[node]

    def _exit_of_body(self, body: HelperBody, depth: int) -> Exit:
        if body.commits():
            return "commit"
        if body.is_iterated:
            return self.exit_of_loop(body.session, depth + 1)
        opened = self.exit(body.session, depth + 1)
        if body.delegates:
            return opened
        return "unknown" if opened == "unknown" or _hands_over(body) else "close"

    # ---------------------------------------------------------------------------------------------- its objects

    def expires(self, session: Session, depth: int = 0) -> bool | None:
        """Whether a commit expires the session's objects: `expire_on_commit` of its factory, None if unknown."""
        definition = session.definition
        if isinstance(definition, Factory):
            return self._asked_of(definition, "expire_on_commit")
        if isinstance(definition, FunctionValue) and depth < _MAX_HELPERS:
            found = {self.expires(inner, depth + 1) for inner in self._given_by(definition)}
            return found.pop() if len(found) == 1 else None
        return None

    def autoflush(self, session: Session) -> bool | None:
        """Whether a query flushes first: `autoflush` of the session's factory.

        None if it is unknown which factory made it, and one of the project's does not flush.
        """
        factory = self.factory(session)
        if factory is not None:
            return self._asked_of(factory, "autoflush")
        return None if any(self._asked_of(f, "autoflush") is False for f in self._factories) else True

    def engine(self, session: Session, depth: int = 0) -> str | None:
        """What the session's factory is bound to, by file and name."""
        definition = session.definition
        if isinstance(definition, Factory) and definition.file is not None and isinstance(definition.node, Call):
            bind = definition.node.argument(0, "bind")
            return f"{definition.file.path}:{bind.id}" if isinstance(bind, Name) else None
        if isinstance(definition, FunctionValue) and depth < _MAX_HELPERS:
            found = {self.engine(inner, depth + 1) for inner in self._given_by(definition)}
            return found.pop() if len(found) == 1 else None
        return None

    def factory(self, session: Session, depth: int = 0) -> Factory | None:
        """The factory that makes a session, through the helpers and getters that hand it on; None if unknown."""
        definition = session.definition
        if isinstance(definition, Factory):
            return definition
        if isinstance(definition, FunctionValue) and depth < _MAX_HELPERS:
            found = {self.factory(inner, depth + 1) for inner in self._given_by(definition)}
            return found.pop() if len(found) == 1 else None
        return None

    def _given_by(self, definition: FunctionValue) -> Iterator[Session]:
        node = definition.node
        values = results.yielded if node.is_generator else self._returned
        yield from (v for v in values(self._ev, definition) if isinstance(v, Session))

    def _returned(self, ev: object, definition: FunctionValue) -> Iterator[object]:
        for value in results.returned(self._ev, definition.file, definition.node):
            if isinstance(value, Manager) and isinstance(value.helper, Decorated):
                yield from results.yielded(self._ev, value.helper.function)
            else:
                yield value

    def _asked_of(self, factory: Factory, option: str) -> bool | None:
        """What a factory's maker was given for an option whose default is True; None if that is unknown."""
        call = factory.node
        if factory.file is None or factory.scoped or not isinstance(call, Call) or any(a.star for a in call.args):
            return None
        if any(self._sets(factory, found, option) for found in factory.file.attributes.get("configure", ())):
            return None
        said = asked(self._ev, factory.file, call, option)
        return True if said == NOT_ASKED else said

    def _sets(self, factory: Factory, configure: Attribute, option: str) -> bool:
        """`factory.configure(expire_on_commit=False)`, at whatever time: that is for all sessions from then on."""
        call, file = configure.parent, factory.file
        made = self._ev.factory(file, configure.value) if file is not None else None
        if not isinstance(call, Call) or made is None or made.node is not factory.node:
            return False
        return any(argument.star or argument.keyword == option for argument in call.args)


def is_looped_over(site: Site) -> bool:
    """Whether a session is opened by an `async for` over what gives it."""
    parent = site.parent if isinstance(site, Node) else None
    return isinstance(parent, For) and parent.is_async and parent.iter is site


def _makes_sessions(callees: Iterable[object]) -> bool:
    """Whether a class of sessions is called, whose first argument is what they are bound to."""
    return any(isinstance(v, ClassValue) or (isinstance(v, External) and v.dotted in SESSION_CLASSES) for v in callees)


def _hands_over(body: HelperBody) -> bool:
    """Whether the session goes to somebody unknown after the `yield`, who may commit it."""
    for node in own_nodes_in(body.function):
        if isinstance(node, Call) and node.order > body.at.order:
            for argument in node.args:
                if isinstance(argument.value, Name | Attribute) and session_key(argument.value) == body.key:
                    return True
    return False
