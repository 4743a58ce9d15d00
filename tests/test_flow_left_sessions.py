"""Objects that no commit or rollback expires: deleted, made transient, new; and tests that ask how one stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loaded_again_support import found

IMPORTS = """
from sqlalchemy import delete, inspect, select
from sqlalchemy.orm import make_transient
from sqlalchemy.orm.attributes import set_committed_value
"""
ORDER = "order = await session.get_one(Order, 1)\n"
COMMIT = "await session.commit()\n"
ROLLBACK = "await session.rollback()\n"
READ = "print(order.total)"


def reads(root: Path, body: str) -> list[str]:
    return found(root, body, imports=IMPORTS)


DELETES = [
    "await session.delete(order)\n",
    "for each in (order,):\n    await session.delete(each)\n",
    "await session.execute(delete(Order).where(Order.id == 1))\n",
    "await session.delete(order)\nawait session.flush()\n",
]


@pytest.mark.parametrize("delete", DELETES)
def test_a_deleted_object_leaves_as_it_was(tmp_path: Path, delete: str) -> None:
    assert reads(tmp_path, f"{ORDER}{delete}{COMMIT}{READ}") == []
    assert reads(tmp_path, f"{ORDER}{delete}{COMMIT}{ROLLBACK}{READ}") == []
    body = f"{ORDER}{delete}".replace("\n", "\n    ")
    assert reads(tmp_path, f"async with session.begin():\n    {body}\n{READ}") == []


@pytest.mark.parametrize("delete", DELETES)
def test_a_rollback_brings_it_back(tmp_path: Path, delete: str) -> None:
    assert reads(tmp_path, f"{ORDER}{delete}{ROLLBACK}{READ}") == [READ]


@pytest.mark.parametrize("delete", ["await session.delete(line)\n", "await session.execute(delete(Line))\n"])
def test_another_one_is_deleted(tmp_path: Path, delete: str) -> None:
    assert reads(tmp_path, f"{ORDER}line = await session.get_one(Line, 2)\n{delete}{COMMIT}{READ}") == [READ]


def test_it_had_expired_before(tmp_path: Path) -> None:
    assert reads(tmp_path, f"{ORDER}{COMMIT}await session.delete(order)\n{READ}") == [READ]


def test_the_next_one_of_a_loop_is_not_deleted(tmp_path: Path) -> None:
    loop = "for order in (await session.scalars(select(Order))).all():\n    {}\n    await session.delete(order)"
    in_loop, behind = f"{loop}\n    await session.commit()", f"{loop}\nawait session.commit()"
    assert reads(tmp_path, in_loop.format(READ)) == [READ]
    assert reads(tmp_path, behind.format(READ)) == []


def test_all_that_a_loop_has_deleted(tmp_path: Path) -> None:
    orders = "orders = (await session.scalars(select(Order))).all()\n"
    loop = f"{orders}for order in orders:\n    {{}}await session.delete(order)\n"
    all_read = "print([order.total for order in orders])"
    assert reads(tmp_path, f"{loop.format('')}{COMMIT}{all_read}") == []
    assert reads(tmp_path, f"{loop.format('if order.state: ')}{COMMIT}{all_read}") == [all_read]


def test_an_object_that_was_made_transient(tmp_path: Path) -> None:
    for end in (COMMIT, ROLLBACK):
        assert reads(tmp_path, f"{ORDER}make_transient(order)\n{end}{READ}") == []
        assert reads(tmp_path, f"{ORDER}inspect(order)\n{end}{READ}") == [READ]


def test_an_attribute_that_was_set_as_if_loaded(tmp_path: Path) -> None:
    body = f"{ORDER}{COMMIT}set_committed_value(order, 'total', 3)\n"
    assert reads(tmp_path, f"{body}{READ}") == []
    assert reads(tmp_path, f"{body}print(order.state)") == ["print(order.state)"]


NEW = "order = Order(total=3)\nsession.add(order)\nawait session.flush()\n"


@pytest.mark.parametrize("again", ["", "await session.refresh(order)\n"])
def test_an_object_that_is_new_in_what_is_rolled_back(tmp_path: Path, again: str) -> None:
    assert reads(tmp_path, f"{NEW}{again}{ROLLBACK}{READ}") == []
    assert reads(tmp_path, f"{NEW}{again}{COMMIT}{READ}") == [READ]
    assert reads(tmp_path, f"{NEW}{COMMIT}await session.refresh(order)\n{ROLLBACK}{READ}") == [READ]
    tried = f"try:\n    {NEW}{again}await session.commit()".replace("\n", "\n    ")
    assert reads(tmp_path, f"{tried}\nexcept Exception:\n    {ROLLBACK}    {READ}") == []


REFRESH = "    await session.refresh(order)\n"


@pytest.mark.parametrize(
    "guard",
    [
        f"if inspect(order).expired:\n{REFRESH}",
        f"if not inspect(order).expired:\n    pass\nelse:\n{REFRESH}",
        f"if order in session:\n{REFRESH}",
        f"if inspect(order).persistent and order in session:\n{REFRESH}",
        f"if 'total' not in order.__dict__:\n{REFRESH}",
        f"if 'total' in inspect(order).unloaded:\n{REFRESH}",
        f"if 'total' in inspect(order).expired_attributes:\n{REFRESH}",
        f"if inspect(order).unloaded:\n{REFRESH}",
        f"if inspect(order).expired_attributes:\n{REFRESH}",
        f"info = inspect(order)\nif info.expired:\n{REFRESH}",
        "if 'total' not in vars(order):\n    return\n",
        "if inspect(order).expired:\n    return\n",
        "if order in session:\n    return\n",
        "if inspect(order).detached:\n    print('gone')\nelse:\n    return\n",
    ],
)
def test_who_asks_how_an_object_stands(tmp_path: Path, guard: str) -> None:
    assert reads(tmp_path, f"{ORDER}{COMMIT}{guard}{READ}") == []


@pytest.mark.parametrize(
    "guard",
    [
        f"if not inspect(order).expired:\n{REFRESH}",
        f"if not inspect(order).unloaded:\n{REFRESH}",
        f"if not inspect(order).expired_attributes:\n{REFRESH}",
        f"if order not in session:\n{REFRESH}",
        f"if 'state' in order.__dict__:\n{REFRESH}",
        "if inspect(order).persistent:\n    print('there')\n",
        "if 'total' in order.__dict__:\n    return\n",
        f"if keys in session:\n{REFRESH}",
    ],
)
def test_who_asks_the_wrong_thing(tmp_path: Path, guard: str) -> None:
    assert reads(tmp_path, f"{ORDER}{COMMIT}{guard}{READ}") == [READ]


@pytest.mark.parametrize("names", ["['state']", "('state', 'id')", "attribute_names={'state'}"])
def test_some_attributes_are_forgotten(tmp_path: Path, names: str) -> None:
    body = f"{ORDER}session.expire(order, {names})\n"
    state = "print(order.state)"
    assert reads(tmp_path, f"{body}{READ}") == []
    assert reads(tmp_path, f"{body}await session.refresh(order)\n{state}") == []
    assert reads(tmp_path, f"{body}await session.refresh(order, ['state'])\n{state}") == []
    assert reads(tmp_path, f"{body}if 'state' in order.__dict__:\n    {state}") == []
    assert reads(tmp_path, f"{body}{READ}\n{state}") == [state]
    assert reads(tmp_path, f"{body}{COMMIT}{READ}") == [READ]


def test_an_object_is_forgotten(tmp_path: Path) -> None:
    other = "line = await session.get_one(Line, 2)\n"
    assert reads(tmp_path, f"{ORDER}session.expire(order)\n{READ}") == [READ]
    assert reads(tmp_path, f"{ORDER}session.expire_all()\n{READ}") == [READ]
    assert reads(tmp_path, f"{ORDER}session.expire_all()\nawait session.refresh(order)\n{READ}") == []
    assert reads(tmp_path, f"{ORDER}session.expire_all()\n{ORDER}{READ}") == []
    assert reads(tmp_path, f"{ORDER}{other}session.expire(line)\n{READ}") == []
    assert reads(tmp_path, f"{ORDER}session.expire(order, keys)\n{READ}") == []
    assert reads(tmp_path, f"{ORDER}session.expire(order)\nawait session.refresh(order)\n{READ}") == []
    assert reads(tmp_path, f"{NEW}session.expire(order)\n{ROLLBACK}{READ}") == []
