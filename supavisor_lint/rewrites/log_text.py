"""The text of the standard template: its log lines and its handlers, for the rewrites and for `new-task` alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_LONGEST = 96  # of a log line, before it is indented


@dataclass(frozen=True, slots=True)
class Logs:
    """The log lines of one task. `parameters` are told in each; `percents` where the logger formats `%s`."""

    logger: str
    task: str
    parameters: tuple[str, ...] = ()
    percents: bool = True

    @property
    def started(self) -> str:
        """The first line of a task."""
        return self._call("info", "started")

    @property
    def failed(self) -> str:
        """The work has failed."""
        return self._call("exception", "failed")

    @property
    def unrecorded(self) -> str:
        """The failure could not be recorded."""
        return self._call("exception", "the failure could not be recorded")

    @property
    def no_session(self) -> str:
        """What no inner handler took: the session itself, or the handling of a failure."""
        return self._call("exception", "failed outside its phases")

    @property
    def ignored(self) -> str:
        """A handler goes on after an error."""
        return self._call("exception", "an error is ignored")

    def _call(self, method: str, what: str) -> str:
        """The call with as many of the parameters, the first ones, as a line can take; one at least."""
        counts = range(len(self.parameters), 0, -1)
        calls = [self._call_with(method, what, self.parameters[:count]) for count in counts]
        return next((call for call in calls if len(call) <= _LONGEST), [self._call_with(method, what, ()), *calls][-1])

    def _call_with(self, method: str, what: str, parameters: tuple[str, ...]) -> str:
        text = f"{self.task}: {what}"
        if not parameters:
            return f'{self.logger}.{method}("{text}")'
        if self.percents:
            return f'{self.logger}.{method}("{text} ({_each(parameters, "%s")})", {", ".join(parameters)})'
        return f'{self.logger}.{method}(f"{text} ({", ".join(f"{{{p}=}}" for p in parameters)})")'


def _each(names: Iterable[str], value: str) -> str:
    return ", ".join(f"{name}={value}" for name in names)


@dataclass(frozen=True, slots=True)
class Update:
    """How a failure is recorded: statements in a transaction of `session`; `error` if they use the exception.

    `imports` are needed by the statements. `transaction` is False where they open one themselves, or have one.
    """

    session: str
    statements: tuple[str, ...]
    imports: tuple[str, ...] = ()
    transaction: bool = True
    error: str | None = None


def block(header: str, body: Iterable[str], unit: str) -> list[str]:
    """A compound statement: its header, and the body one unit deeper."""
    return [header, *(unit + line for line in body)]


def recorded(
    update: Update, logs: Logs, unit: str, opening: str | None = None, *, rolled_back: bool = False
) -> list[str]:
    """The failure update in a transaction of its own, guarded and logged.

    On the session of the work, which is rolled back first (unless the handler has done so), or on one of its own,
    which `opening` opens.
    """
    work = list(update.statements)
    if update.transaction:
        work = block(f"async with {update.session}.begin():", work, unit)
    if opening is not None:
        work = block(f"async with {opening} as {update.session}:", work, unit)
    elif not rolled_back:
        work = [f"await {update.session}.rollback()", *work]
    guard = block("except Exception:", [logs.unrecorded], unit)
    return [*block("try:", [*update.imports, *work], unit), *guard]


def handler(body: Sequence[str], unit: str, error: str | None = None) -> list[str]:
    """A broad handler."""
    return block(f"except Exception as {error}:" if error is not None else "except Exception:", body, unit)
