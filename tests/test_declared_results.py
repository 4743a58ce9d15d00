"""Sessions and managers that only a return annotation tells, and annotations that tell nothing of ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from audit_support import inventory
from project_support import SESSION_MODULE, findings

USE = """
import asyncio

from app.opening import {name}


async def work(q):
    async with {name}() as session:
        await session.execute(q)


def start(q):
    asyncio.create_task(work(q))
"""
HEAD = """
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from functools import cache, lru_cache

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session

from elsewhere import container


"""


def pattern(root: Path, code: str, name: str = "opened") -> str:
    """How a task gets its session that enters what `app/opening.py` defines."""
    (task,) = inventory(root, {"app/opening.py": HEAD + code, "app/tasks.py": USE.format(name=name)}).tasks
    return task.session


def helper(annotation: str, yielded: str, *, decorated: bool = True) -> str:
    decorator = "@asynccontextmanager\n" if decorated else ""
    return f"class Store:\n    pass\n\n\n{decorator}async def opened(){annotation}:\n    yield {yielded}\n"


# ------------------------------------------------------------------------------------------------------------- silence

OTHERS = [
    ("", "container.current"),
    (" -> AsyncIterator[Session]", "container.current"),
    (" -> AsyncIterator[Store]", "container.current"),
    (" -> AsyncIterator", "container.current"),
    (" -> AsyncSession", "container.current"),
    (" -> list[AsyncSession]", "container.current"),
    (" -> AsyncIterator[AsyncSession]", "Store()"),
    (" -> AsyncIterator[AsyncSession]", "'a text'"),
    (" -> AsyncIterator[AsyncSession]", "Session()"),
]


@pytest.mark.parametrize(("annotation", "yielded"), OTHERS)
def test_no_session_of_ours(tmp_path: Path, annotation: str, yielded: str) -> None:
    assert pattern(tmp_path, helper(annotation, yielded)) == "none"


def test_a_generator_that_nothing_makes_a_context_manager_cannot_be_entered(tmp_path: Path) -> None:
    code = helper(" -> AsyncIterator[AsyncSession]", "container.current", decorated=False)
    assert pattern(tmp_path, code) == "none"


def test_a_function_that_says_it_returns_a_session_does_not_say_whose(tmp_path: Path) -> None:
    assert pattern(tmp_path, "def opened() -> AsyncSession:\n    return container.current\n") == "none"


def test_a_manager_of_another_kind_gives_nothing(tmp_path: Path) -> None:
    assert pattern(tmp_path, manager("-> str", "@property")) == "none"


DECLARED = [
    "class Store(Protocol):\n    async def save(self, session): ...",
    'class Store:\n    async def save(self, session):\n        """Write and commit."""',
    "class Store(ABC):\n    @abstractmethod\n    async def save(self, session):\n        pass",
]


@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize("how", ["param", "result"])
def test_a_method_that_other_classes_fill_in_is_not_known_to_leave_a_session_uncommitted(
    tmp_path: Path, declared: str, how: str
) -> None:
    code = f"""
from abc import ABC, abstractmethod
from typing import Protocol

from app.session import async_session_factory as factory
from elsewhere import container


{declared}


def get_store() -> Store:
    return container.store


async def use(store: Store):
    async with factory() as session:
        session.add(1)
        await {"store" if how == "param" else "get_store()"}.save(session)
"""
    found = findings(tmp_path, {"app/session.py": SESSION_MODULE, "app/use.py": code}, select=("SUP308",))
    assert found == []


# ------------------------------------------------------------------------------------------------------------ findings

YIELDS = [
    (" -> AsyncIterator[AsyncSession]", "container.current"),
    (" -> AsyncGenerator[AsyncSession, None]", "container.current"),
    (" -> 'AsyncGenerator[AsyncSession, None]'", "container.current"),
    (" -> AsyncIterator[AsyncSession | None]", "container.current"),
    (" -> Opened", "container.current"),
]


@pytest.mark.parametrize(("annotation", "yielded"), YIELDS)
def test_a_helper_that_says_what_it_yields(tmp_path: Path, annotation: str, yielded: str) -> None:
    alias = "Opened = AsyncGenerator[AsyncSession, None]\n\n\n"
    assert pattern(tmp_path, alias + helper(annotation, yielded)) == "helper"


def test_a_helper_that_yields_a_session_of_a_test_or_one_of_its_own(tmp_path: Path) -> None:
    code = """
async def get_session(request) -> AsyncIterator[AsyncSession]:
    async with container.sessions() as session:
        yield session


@asynccontextmanager
async def opened(request=None) -> AsyncIterator[AsyncSession]:
    if request:
        yield request.state.session
        return
    gen = get_session(request)
    session = await gen.__anext__()
    try:
        yield session
    finally:
        await gen.aclose()
"""
    assert pattern(tmp_path, code) == "helper"


def manager(annotation: str, *decorators: str, cached: str = "@cache") -> str:
    """A manager with an annotated member that gives its factory, and a helper that asks the cached one for it."""
    lines = "".join(f"    {decorator}\n" for decorator in decorators)
    call = "" if decorators else "()"
    return f"""
class Manager:
    def __init__(self):
        self._sessions = None

{lines}    def sessions(self) {annotation}:
        if self._sessions is None:
            raise RuntimeError
        return self._sessions


{cached}
def get_manager() -> Manager:
    return container.manager


@asynccontextmanager
async def opened():
    async with get_manager().sessions{call}() as session:
        yield session
"""


FACTORY = "-> async_sessionmaker[AsyncSession]"


@pytest.mark.parametrize("decorators", [("@property",), ()])
@pytest.mark.parametrize("cached", ["@cache", "@lru_cache", "@lru_cache(maxsize=1)", ""])
def test_a_factory_that_an_annotated_member_of_a_manager_gives(
    tmp_path: Path, decorators: tuple[str, ...], cached: str
) -> None:
    assert pattern(tmp_path, manager(FACTORY, *decorators, cached=cached)) == "helper"
