"""The worlds in which the judge's tests run programs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .run_program import World


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()


@pytest.fixture(scope="module")
def plain_sqlite() -> Iterator[World]:
    made = World(like_postgres=False)
    yield made
    made.close()


@pytest.fixture(scope="module")
def real_aiosqlite() -> Iterator[World]:
    made = World(real_driver=True)
    yield made
    made.close()
