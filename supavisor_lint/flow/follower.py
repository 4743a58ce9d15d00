"""Following a function through all its paths: its statements, and the functions that it hands its sessions to."""

from __future__ import annotations

from collections.abc import Iterable

from supavisor_lint.facts.file import FileFacts, enclosing_function
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import ClassDef, FunctionDef
from supavisor_lint.facts.tree import Expr
from supavisor_lint.flow import machine
from supavisor_lint.flow.ends import note_end
from supavisor_lint.flow.entering import Entering
from supavisor_lint.flow.events import ExpiredRead, Trace
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.inert import Inert
from supavisor_lint.flow.inline import Inliner
from supavisor_lint.flow.keepers import Kept
from supavisor_lint.flow.memos import Asking
from supavisor_lint.flow.openings import Openings
from supavisor_lint.flow.operations import SessionFlow
from supavisor_lint.flow.quiet import Quiet
from supavisor_lint.flow.reach import reached_functions
from supavisor_lint.flow.returning import outside
from supavisor_lint.flow.session_uses import SessionUses
from supavisor_lint.flow.state import EMPTY, State, States, TooManyStates
from supavisor_lint.flow.statements import run
from supavisor_lint.flow.swallowing import tell_swallowed
from supavisor_lint.flow.values import Tracked
from supavisor_lint.project.registration import Registration
from supavisor_lint.project.tasks import Task
from supavisor_lint.project.values import Factory, FunctionValue, Session

MAX_STEPS_IN_CALLS = 3_000  # of all that one function calls: half a second


class Follower:
    """Follows functions; remembers what it has found.

    A `wary` one takes whatever might write for a write, and whatever might fail for a failure: what it does not see
    happen cannot happen. The rules want what certainly happens, a rewrite wants this. One that `tells_all` goes on
    behind what always fails as if it had not: it sees what comes to light when that is mended.
    """

    def __init__(
        self,
        flow: SessionFlow,
        registrations: Iterable[Registration] = (),
        factories: Iterable[Factory] = (),
        *,
        wary: bool = False,
        tells_all: bool = False,
    ) -> None:
        self.flow = flow
        self.wary = wary
        self.tells_all = tells_all
        self.ev = flow.ev
        self.openings = Openings(flow, factories)
        self.uses = SessionUses(flow)
        self.registrations: dict[Node, list[Registration]] = {}
        for registration in registrations:
            self.registrations.setdefault(registration.node, []).append(registration)
        self.plain: dict[Expr, bool] = {}  # see binding.is_plain
        self.made: dict[Node, bool] = {}  # see just_made.is_made
        self.inert: dict[Node, Inert | None] = {}  # see inert.inert
        self.open_tests: dict[Expr, Inert | None] = {}  # see open_tests.open_test
        self.optional: dict[FunctionDef, frozenset[str]] = {}  # see optional.there_or_none
        self.opens: dict[Node, Session | bool | None] = {}  # see call_facts.opens
        self.functions: dict[Node, list[FunctionValue]] = {}  # see call_facts.functions_of
        self.harmless: dict[Node, bool | None] = {}  # see harmless.is_harmless
        self.slow: dict[Node, str | None] = {}  # see call_facts.slow
        self.keepers: dict[ClassDef, Kept | None] = {}  # see keepers.made_with
        self.asking: dict[FunctionDef, bool] = {}  # see own_session.shared_by_objects
        self.memos = Asking(flow.ev)
        self._entering = Entering(flow.ev, self.memos)
        self.spent = 0
        self.limit = MAX_STEPS_IN_CALLS  # of what is followed at the moment: what it calls counts
        self.lacks_calls = False  # whether some called function was too much to follow
        self.shallow = False  # whether called functions are taken for unknown ones by now
        self.given_up: dict[FunctionDef, FileFacts] = {}  # functions with too many paths
        self.cut_short: dict[FunctionDef, FileFacts] = {}  # functions with too many paths in those that they call
        self._traces: dict[FunctionDef, Trace] = {}
        self.quiet = Quiet(flow.ev)
        self._inliner = Inliner(self.quiet)
        self._reached: frozenset[FunctionDef] | None = None

    def registrars_in(self, file: FileFacts) -> set[FunctionDef]:
        """The functions of a file that start background tasks."""
        nodes = (node for node, found in self.registrations.items() if any(r.file is file for r in found))
        return {function for node in nodes if (function := enclosing_function(node)) is not None}

    def runs_in_task(self, function: FunctionDef, tasks: Iterable[Task]) -> bool:
        """Whether a function is a background task (`tasks` are all of the project), or runs in one."""
        if self._reached is None:
            self._reached = reached_functions(self.flow, tasks)
        return function in self._reached

    def trace(self, file: FileFacts, function: FunctionDef) -> Trace:
        """Everything that can happen to the sessions of a function."""
        known = self._traces.get(function)
        if known is None:
            known = self._traces[function] = Trace()
            self._follow(file, function, known)
        return known

    def start(self, *, shallow: bool = False) -> None:
        """Begin a question of its own: nothing has been spent on it yet."""
        self.spent, self.limit, self.shallow = 0, MAX_STEPS_IN_CALLS, shallow

    def spend(self, steps: int) -> None:
        """Count steps in called functions; raises TooManyStates when they are too many for one question.

        What was found before is charged as if it were found now: the answer does not depend on what was asked first.
        """
        self.spent += steps
        if self.spent > self.limit:
            raise TooManyStates

    @property
    def is_exhausted(self) -> bool:
        """Whether the question has cost more than it may."""
        return self.spent > MAX_STEPS_IN_CALLS

    def goes_on_without(self, frame: Frame) -> bool:
        """Whether a function can be followed on when its calls have cost too much; they are unknown ones from here on.

        A wary follower must see what they do, and gives up.
        """
        if self.wary or frame.depth > 0 or not self.is_exhausted:
            return False
        self.shallow = True
        return True

    def _follow(self, file: FileFacts, function: FunctionDef, trace: Trace) -> None:
        """Follow a function; once more where it only seems to fail because nobody asked what its callers know."""
        known = frozenset[str]() if self.wary else self._entering.by_decorators(file, function)
        self._follow_from(file, function, trace, EMPTY.but(remembered=known))
        if not self.wary and trace.of(ExpiredRead) and self.memos.is_asking(FunctionValue(file, function), only=True):
            more = self._entering.by_callers(function) - known
            if more:
                self._follow_from(file, function, trace, EMPTY.but(remembered=known | more))
        trace.tell_at_calls(file, function)

    def _follow_from(self, file: FileFacts, function: FunctionDef, trace: Trace, entry: State) -> None:
        """Follow a function into an empty trace; where its paths become too many, less closely (see `loosening`)."""
        self.given_up.pop(function, None)  # what an earlier question about it has found
        self.cut_short.pop(function, None)
        if self._attempt(file, function, trace, entry) or (
            self.wary and not self.is_exhausted and self._attempt(file, function, trace, entry, untied=True)
        ):
            trace.complete = not self.shallow
        else:
            self.given_up[function] = file
        if (self.shallow or self.lacks_calls) and function not in self.given_up:
            self.cut_short[function] = file

    def _attempt(
        self, file: FileFacts, function: FunctionDef, trace: Trace, entry: State, *, untied: bool = False
    ) -> bool:
        """Follow a function from a state into an empty trace; whether its paths were few enough."""
        trace.clear()
        self.start()
        self.lacks_calls = False
        frame = Frame(self, file, function, trace, 0)
        if untied:
            frame.repeated = frozenset()
        try:
            run_function(frame, entry)
        except TooManyStates:
            trace.clear()
            return False
        return True

    def called(
        self, frame: Frame, node: Expr, function: FunctionValue, given: dict[str, Tracked], state: State
    ) -> list[tuple[State, Tracked]]:
        """The states behind a call that hands sessions to a function of the project."""
        return self._inliner.call(frame, node, function, given, state)


def run_function(frame: Frame, state: State) -> States:
    """Follow a function's body. The states of its normal ends; exceptions are left in the frame's exits."""
    before = set(frame.opened)
    left = run(frame, frame.function.body, States((state,)))
    returned: Iterable[State] = frame.exits.left.pop("return", ())
    ends = States(map(outside, (*left, *returned)))
    for end in ends:
        for site in end.sessions:
            tell_swallowed(frame, end, site)  # in the caller's block
        for site, opened in frame.opened.items():
            if opened.own and site not in before and site in end.sessions and not end.sessions[site].blocks:
                note_end(frame, end, site, frame.function)
                machine.lost(frame, end, site, frame.function)
            elif not opened.own and frame.depth == 0 and site in end.sessions:
                machine.left_to_caller(frame, end, site)
    return ends
