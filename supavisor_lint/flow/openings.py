"""How a session that is opened will end, what a commit and a query do to its objects: read from the definitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.handlers import own_nodes_in
from supavisor_lint.facts.statements import ClassDef, FunctionDef, WithItem
from supavisor_lint.facts.tree import Attribute, Call, Constant, Expr, Name
from supavisor_lint.flow.autocommit import commits_at_once
from supavisor_lint.flow.helper_body import HelperBody, called_methods, exit_method, helper_bodies
from supavisor_lint.flow.operations import OPENED_HERE, SessionFlow
from supavisor_lint.flow.session_keys import session_key
from supavisor_lint.flow.values import Exit, Opened, Site
from supavisor_lint.project import results
from supavisor_lint.project.values import ClassValue, Decorated, Factory, FunctionValue, Manager, NamedHelper, Session

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
        expires = _asked_at(site, "expire_on_commit", self.expires(session))
        autoflush = _asked_at(site, "autoflush", self.autoflush(session))
        at_once = session.source in ("factory", "class") and commits_at_once(
            self._ev, file, _given_engine(session, site)
        )
        ends = "unknown" if at_once else self.exit(session)
        return Opened(site, name, session, ends, expires, own, autoflush, self.engine(session))

    # -------------------------------------------------------------------------------------------------- its end

    def exit(self, session: Session, depth: int = 0) -> Exit:
        """What leaving the session's block does to uncommitted work."""
        definition = session.definition
        if depth > _MAX_HELPERS:
            return "unknown"
        if session.source in ("factory", "class", "getter"):
            if isinstance(definition, Factory) and self._autocommits(definition):
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

    def _autocommits(self, factory: Factory) -> bool:
        """Whether the factory's engine commits each statement: nothing waits for a commit then."""
        if factory.file is None or not isinstance(factory.node, Call):
            return False
        return commits_at_once(self._ev, factory.file, factory.node.argument(0, "bind"))

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
        if body.delegates:
            return self.exit(body.session, depth + 1)
        opened = self.exit(body.session, depth + 1)
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
        return _asked_at(call, option, True)

    def _sets(self, factory: Factory, configure: Attribute, option: str) -> bool:
        """`factory.configure(expire_on_commit=False)`, at whatever time: that is for all sessions from then on."""
        call, file = configure.parent, factory.file
        made = self._ev.factory(file, configure.value) if file is not None else None
        if not isinstance(call, Call) or made is None or made.node is not factory.node:
            return False
        return any(argument.star or argument.keyword == option for argument in call.args)


def _given_engine(session: Session, site: Site) -> Expr | None:
    """The engine that a session is given where it is made: `AsyncSession(engine)`, `factory(bind=engine)`."""
    made_by = site.context if isinstance(site, WithItem) else site
    if not isinstance(made_by, Call):
        return None
    return made_by.argument(0 if session.source == "class" else None, "bind")


def _asked_at(site: Site, option: str, default: bool | None) -> bool | None:
    """The option that a call passes itself: to the factory's maker, or to the factory."""
    if not isinstance(site, Call):
        return default
    asked = site.argument(None, option)
    if asked is None:
        return default if not any(argument.star == "**" for argument in site.args) else None
    return asked.value if isinstance(asked, Constant) and isinstance(asked.value, bool) else None


def _hands_over(body: HelperBody) -> bool:
    """Whether the session goes to somebody unknown after the `yield`, who may commit it."""
    for node in own_nodes_in(body.function):
        if isinstance(node, Call) and node.order > body.at.order:
            for argument in node.args:
                if isinstance(argument.value, Name | Attribute) and session_key(argument.value) == body.key:
                    return True
    return False
