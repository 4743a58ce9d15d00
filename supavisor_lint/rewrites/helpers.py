"""Which session helper takes a factory's place, and whether it does its part (conditions 5 and 6 of section 10)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.scopes import Binding
from supavisor_lint.facts.statements import ClassDef, FunctionDef
from supavisor_lint.facts.tree import Call, Constant
from supavisor_lint.flow.helper_body import exit_method, helper_bodies
from supavisor_lint.flow.shape import Opening
from supavisor_lint.flow.values import Exit
from supavisor_lint.project import calls
from supavisor_lint.project.names import binding_values
from supavisor_lint.project.values import ClassValue, Decorated, Factory, FunctionValue, NamedHelper, Session
from supavisor_lint.rewrites.base import Context, NoFix, NotYet
from supavisor_lint.sources.discovery import is_test_file


@dataclass(frozen=True, slots=True)
class Helper:
    """A session helper by its name in its module: `file` is None for one that only the settings name."""

    name: str
    file: FileFacts | None
    node: FunctionDef | ClassDef | None
    session: Session
    module: str | None = None

    @property
    def call(self) -> str:
        """The call that opens a session."""
        return f"{self.name}()"


def rule_of_swap(session: Session) -> str:
    """The rule whose rewrite gives a session that is opened otherwise to a helper."""
    made_of = session.definition
    if session.source == "class" or (isinstance(made_of, Factory) and made_of.on_the_spot):
        return "SUP102"
    return "SUP101" if isinstance(made_of, Factory) else "SUP103"


def require_a_helper(opening: Opening) -> None:
    """Raise NotYet unless a session is opened with a session helper: the fix of its opening comes first."""
    if opening.session.source != "helper":
        place = opening.item or opening.node.parent or opening.node
        code = rule_of_swap(opening.session)
        raise NotYet("the session does not come from the session helper", "use the helper first", code, place.span)


def helper_for(context: Context, factory: Factory | None) -> Helper:
    """The helper to use instead of a factory: the setting `helper`, else the one beside it, else the only one.

    Raises NoFix where nothing decides.
    """
    if context.view.settings.helper is not None:
        return _configured(context, context.view.settings.helper)
    known = list(project_helpers(context))
    beside = [h for h in known if factory is not None and factory.file is not None and h.file is factory.file]
    found = _only(context, beside) or (None if beside else _only(context, known))
    if found is not None:
        return found
    if beside or known:
        names = ", ".join(sorted({f"`{h.name}`" for h in beside or known}))
        raise NoFix(f"several session helpers fit ({names}): name the one to use with the setting `helper`")
    raise NoFix("the project defines no session helper that could be used instead: name one with the setting `helper`")


def _only(context: Context, helpers: list[Helper]) -> Helper | None:
    if len(helpers) == 1:
        return helpers[0]
    names = {entry.rpartition(".")[2] for entry in context.view.settings.session_helpers}
    named = [helper for helper in helpers if helper.name in names]
    return named[0] if len(named) == 1 else None


def project_helpers(context: Context) -> Iterator[Helper]:
    """The helpers that the project defines at module level and that can be called without arguments.

    Those of tests are for tests.
    """
    for path in context.project.parsed_paths:
        file = context.project.facts(path)
        if file is not None and (not is_test_file(path) or context.view.is_test or context.view.settings.check_tests):
            for name, bindings in file.scope.bindings.items():
                if len(bindings) == 1:
                    yield from _helper(context, file, name, bindings[0])


def _helper(context: Context, file: FileFacts, name: str, definition: Binding) -> Iterator[Helper]:
    if not isinstance(definition, FunctionDef | ClassDef) or not _can_be_called_bare(definition):
        return
    if context.project.names.role_of_definition(file, definition) is None:
        return
    for value in binding_values(context.ev, file, definition):
        if context.project.names.role_of_value(value) == "helper":
            entered = calls.entered(context.ev, file, calls.called(context.ev, file, value, None))
            session = next((v for v in entered if isinstance(v, Session)), None)
            if session is not None:
                yield Helper(name, file, definition, session)


def _can_be_called_bare(node: FunctionDef | ClassDef) -> bool:
    if isinstance(node, ClassDef):
        made = next((f for f in node.body if isinstance(f, FunctionDef) and f.name == "__init__"), None)
        return made is None or all(p.default is not None or p.kind in ("*", "**") for p in made.params[1:])
    return all(p.default is not None or p.kind in ("*", "**") for p in node.params)


def _configured(context: Context, dotted: str) -> Helper:
    module, _, name = dotted.rpartition(".")
    if not module:
        raise NoFix(f"the setting `helper` names `{dotted}`: a dotted name is needed to import it")
    path = context.project.module(context.file.path, module, 0)
    if path is None and context.project.module(context.file.path, module.partition(".")[0], 0) is not None:
        raise NoFix(f"the setting `helper` names `{dotted}`, but the project has no module `{module}`")
    file = context.project.facts(path) if path is not None else None
    if file is None:
        return Helper(name, None, None, Session("helper", NamedHelper(name), confidence="medium"), module)
    if not {name, "__getattr__"} & file.scope.bindings.keys() and not file.scope.sees_star_import():
        raise NoFix(f"the setting `helper` names `{dotted}`, but {file.path} does not define `{name}`")
    for binding in file.scope.bindings.get(name, ()):
        for value in binding_values(context.ev, file, binding):  # it may be imported there from where it is defined
            thing = value.function if isinstance(value, Decorated) else value
            if isinstance(thing, FunctionValue | ClassValue):
                for helper in _helper(context, thing.file, thing.node.name, thing.node):
                    return replace(helper, name=name, module=module)
    return Helper(name, file, None, Session("helper", NamedHelper(name), confidence="medium"), module)


# ------------------------------------------------------------------------------------------------------ its part


_CHOOSE = "name another one with the setting `helper`"


def require_its_part(context: Context, helper: Helper, advice: str = _CHOOSE) -> None:
    """Raise NoFix unless a helper yields a fresh session, commits when its block ends, and lets errors out.

    `advice` says what to do where it does not.
    """
    fault = fault_of(context, helper)
    if fault is not None:
        raise NoFix(f"the helper `{helper.name}` {fault}: {advice}")


def fault_of(context: Context, helper: Helper) -> str | None:
    """What is wrong with a helper's part, put as what it does or is; None if it does it."""
    if helper.session.begun:
        return "gives a session whose transaction has begun already"
    exit_: Exit = context.view.follower.openings.exit(helper.session)
    if exit_ == "close":
        return "does not commit when its block ends"
    if exit_ == "unknown":
        return "is not known to commit when its block ends"
    if isinstance(helper.node, ClassDef):
        method = exit_method(helper.node)
        return "may swallow errors in `__aexit__`" if method is None or method.results else None
    return _fault_of_body(context, helper)


def _fault_of_body(context: Context, helper: Helper) -> str | None:
    definition = helper.session.definition
    if not isinstance(definition, FunctionValue):
        return None
    for body in helper_bodies(context.view.flow, definition.file, definition.node):
        if body.begun_before() is not None:
            return "gives a session whose transaction has begun already"
        if any(True for _ in body.swallowing_handlers()) or body.suppressing_item() is not None:
            return "swallows the errors of its block"
    return None


def difference(context: Context, helper: Helper, session: Session) -> str | None:
    """In what a helper's session may differ from the one that it is to replace; None if it surely is made alike.

    Raises NoFix where the two work on different engines.
    """
    openings = context.view.follower.openings
    old, new = openings.factory(session), openings.factory(helper.session)
    if old is not None and new is not None and old.node is not None and old.node is new.node:
        return "it may not be used after `close()`" if _refuses_reuse(new) else None
    before, after = openings.engine(session), openings.engine(helper.session)
    if before is not None and after is not None and before != after:
        raise NoFix(f"the helper `{helper.name}` works on another engine than this session")
    if openings.expires(session) is None or openings.expires(session) != openings.expires(helper.session):
        return f"`expire_on_commit` of `{helper.name}` is not known to be the same"
    if before is None or before != after or old is None or new is None or _options(old) != _options(new):
        return f"`{helper.name}` makes its sessions with other options"
    return "it may not be used after `close()`" if _refuses_reuse(new) else None


def _options(factory: Factory) -> frozenset[tuple[str | None, object]] | None:
    """The options of a factory besides its engine, if they are all constants or names."""
    call = factory.node
    if not isinstance(call, Call) or any(argument.star for argument in call.args):
        return None
    values = {a.keyword: a.value for a in call.args[1:] if a.keyword not in ("bind", "expire_on_commit")}
    return frozenset(
        (name, getattr(value, "value", None) if isinstance(value, Constant) else getattr(value, "id", None))
        for name, value in values.items()
    )


def _refuses_reuse(factory: Factory) -> bool:
    call = factory.node
    return isinstance(call, Call) and call.argument(None, "close_resets_only") is not None
