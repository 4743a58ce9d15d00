"""What had expired is loaded again: by a loop over the objects, under another name, by whoever has the session."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loaded_again_support import found

TWO = """
first = await session.get_one(Order, 1)
second = await session.get_one(Line, 2)
other = await session.get_one(Shipment, 3)
"""
READ = "print(first.total, second.text)"
LOOPS = [
    "for each in (first, second):\n    await session.refresh(each)",
    "for each in [first, second]:\n    await session.refresh(each)",
    "for number, each in enumerate([first, second]):\n    await session.refresh(each)",
    "for each in filter(None, (first, second)):\n    await session.refresh(each)",
    "for each in reversed((first, second)):\n    await session.refresh(instance=each)",
    "for each, text in ((first, 'a'), (second, 'b')):\n    await session.refresh(each)",
    "for each in {'a': first, 'b': second}.values():\n    await session.refresh(each)",
    "[await session.refresh(each) for each in (first, second)]",
    "both = [first, second]\nfor each in both:\n    await session.refresh(each)",
    "both = [first, second]\nfor index in range(2):\n    await session.refresh(both[index])",
    "named = {'a': first, 'b': second}\nfor each in named.values():\n    await session.refresh(each)",
    "named = {'a': first, 'b': second}\nawait session.refresh(named['a'])\nawait session.refresh(named['b'])",
    "await reload(session, first, second)",
    "await reload_all(session, [first, second])",
]
HELPERS = """
async def reload(session, *objects):
    for each in objects:
        await session.refresh(each)


async def reload_all(session, objects):
    for each in objects:
        await session.refresh(each)
"""
ENDS = ["await session.commit()", "await session.rollback()"]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("loop", LOOPS)
def test_a_loop_that_loads_all_again(tmp_path: Path, loop: str, end: str) -> None:
    assert found(tmp_path, f"{TWO}{end}\n{loop}\n{READ}", helpers=HELPERS) == []


@pytest.mark.parametrize(
    "loop",
    [
        "for each in session:\n    await session.refresh(each)",
        "await session.refresh(second)\nawait session.refresh(second.order)",
        "for each in LATEST:\n    await session.refresh(each)",
    ],
)
def test_what_others_lead_to_may_be_any(tmp_path: Path, loop: str) -> None:
    body = f"{TWO}await session.commit()\n{loop}\nprint(first.total)"
    assert found(tmp_path, body, helpers=f"{HELPERS}\nLATEST = []") == []


@pytest.mark.parametrize("loop", LOOPS[:-2])
def test_an_object_that_is_not_gone_over(tmp_path: Path, loop: str) -> None:
    read = "print(other.label)"
    assert found(tmp_path, f"{TWO}await session.commit()\n{loop}\n{read}", helpers=HELPERS) == [read]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_commit_behind_the_loop(tmp_path: Path, loop: str) -> None:
    end = "await session.commit()"
    assert found(tmp_path, f"{TWO}{end}\n{loop}\n{end}\n{READ}", helpers=HELPERS) == [READ]


@pytest.mark.parametrize(
    "loop",
    [
        "for each in strangers:\n    await session.refresh(each)",
        "for each in (first, second):\n    print(each)",
    ],
)
def test_what_was_there_before_the_object_is_another(tmp_path: Path, loop: str) -> None:
    read = "print(first.total)"
    assert found(tmp_path, f"{TWO}await session.commit()\n{loop}\n{read}", helpers=HELPERS) == [read]


MANY = "orders = (await session.scalars(select(Order))).all()\nawait session.commit()\n"
IMPORTS = "from sqlalchemy import select"


@pytest.mark.parametrize(
    "loop",
    [
        "for order in orders:\n    await session.refresh(order)",
        "for index, order in enumerate(orders):\n    await session.refresh(order)",
        "for order in list(orders):\n    await session.refresh(order)",
        "for index in range(len(orders)):\n    await session.refresh(orders[index])",
    ],
)
def test_all_objects_of_a_query(tmp_path: Path, loop: str) -> None:
    for read in ("print(orders[0].total)", "print([order.total for order in orders])"):
        assert found(tmp_path, f"{MANY}{loop}\n{read}", imports=IMPORTS) == []
        assert found(tmp_path, f"{MANY}{loop}\nawait session.commit()\n{read}", imports=IMPORTS) == [read]


def test_a_list_that_is_added_to(tmp_path: Path) -> None:
    loop = "every = []\nevery.extend([first, second])\nfor each in every:\n    await session.refresh(each)"
    assert found(tmp_path, f"{TWO}await session.commit()\n{loop}\n{READ}") == []


def test_some_attributes_of_each(tmp_path: Path) -> None:
    loop = "for each in (first, second):\n    await session.refresh(each, ['id'])"
    assert found(tmp_path, f"{TWO}await session.commit()\n{loop}\nprint(first.id, second.id)") == []
    assert found(tmp_path, f"{TWO}await session.commit()\n{loop}\nprint(first.total)") == ["print(first.total)"]


QUERIES = """
from sqlalchemy import delete, select, update
from sqlalchemy.orm import defer, joinedload, load_only, selectinload
"""
SYNC = """
def reload(sync, order):
    sync.refresh(order)


def with_orders():
    return select(Line).options(joinedload(Line.order))


def total_of(sync, part):
    return part.order.total


def reload_all(sync):
    for each in sync:
        load(sync, each)
"""
ORDER = "order = await session.get_one(Order, 1)\nawait session.commit()\n"
TOTAL = "print(order.total)"


@pytest.mark.parametrize(
    "query",
    [
        "await session.scalars(select(Line).options(joinedload(Line.order)))",
        "await session.scalars(select(Line).where(Line.id == 1).options(load_only(Line.id), selectinload(Line.order)))",
        "statement = select(Line).options(joinedload(Line.order))\nawait session.execute(statement)",
        "loaders = [joinedload(Line.order)]\nawait session.execute(select(Line).options(*loaders))",
        "await session.get(Line, 2, options=[selectinload(Line.order)])",
        "await session.execute(select(Line).join(Order).add_columns(Order))",
        "await session.execute(select(Line.id).join(Order).add_columns(Order))",
        "await session.scalars(with_orders())",
        "await session.scalars(with_orders().where(Line.id == 1))",
        "await session.scalars(keys.statement)",
        "if keys:\n    query = select(Line)\nelse:\n    query = select(Order)\nawait session.scalars(query)",
        "await session.get(Shipment, 3)",
        "await session.execute(select(Shipment))",
        "await session.scalar(update(Order).values(state='new').returning(Order))",
        "await session.execute(update(Order).where(Order.id == 1).values(state='new').returning(Order))",
        "await session.run_sync(lambda sync: sync.refresh(order))",
        "await session.run_sync(lambda sync: order.total)",
        "await session.run_sync(lambda sync: sync.get(Order, 1))",
        "await session.run_sync(reload, order)",
        "await session.run_sync(reload_all)",
        "line = await session.get_one(Line, 2)\nawait session.run_sync(lambda sync: line.order.total)",
        "line = await session.get_one(Line, 2)\nawait session.run_sync(total_of, line)",
        "line = await session.get_one(Line, 2)\nawait session.refresh(line, ['order'])",
        "line = await session.get_one(Line, 2)\nawait line.awaitable_attrs.order",
        "await order.awaitable_attrs.total",
        "await order.awaitable_attrs.lines",
    ],
)
def test_a_query_that_gives_the_object_as_well(tmp_path: Path, query: str) -> None:
    assert found(tmp_path, f"{ORDER}{query}\n{TOTAL}", imports=QUERIES, helpers=SYNC) == []
    again = f"{ORDER}{query}\nawait session.commit()\n{TOTAL}"
    assert found(tmp_path, again, imports=QUERIES, helpers=SYNC) == [TOTAL]


def test_an_unknown_function_may_load_anything(tmp_path: Path) -> None:
    assert found(tmp_path, f"{ORDER}await session.run_sync(keys[0])\n{TOTAL}") == []


@pytest.mark.parametrize(
    "query",
    [
        "await session.scalars(select(Line))",
        "await session.scalars(select(Line).join(Line.order))",
        "await session.execute('select 1')",
        "await session.scalars(select(Line).options(load_only(Line.id), defer(Line.text)))",
        "await session.get(Line, 2, options=[load_only(Line.id)])",
        "await session.get(Line, 2)",
        "await session.scalar(update(Order).values(state='new').returning(Order.id))",
        "await session.execute(update(Order).values(state='new'))",
        "await session.scalar(update(Line).values(text='new').returning(Line))",
        "await session.run_sync(lambda sync: sync.get(Line, 1))",
        "await session.run_sync(reload, keys)",
        "line = await session.get_one(Line, 2)\nawait session.run_sync(lambda sync: line.text.upper())",
        "line = await session.get_one(Line, 2)\nawait session.run_sync(total_of, keys)",
        "line = await session.get_one(Line, 2)\nawait session.refresh(line)",
        "line = await session.get_one(Line, 2)\nawait session.refresh(line, ['text'])",
        "line = await session.get_one(Line, 2)\nawait line.awaitable_attrs.text",
        "await session.scalars(select(Parcel))",
    ],
)
def test_a_query_that_gives_others(tmp_path: Path, query: str) -> None:
    assert found(tmp_path, f"{ORDER}{query}\n{TOTAL}", imports=QUERIES, helpers=SYNC) == [TOTAL]


LETTERS = ["letter = await session.get_one(Letter, 1)\n", "letter = await session.scalar(select(Letter))\n"]
ADDED = "letter = Letter(weight=3)\nsession.add(letter)\n"
WEIGHT = "print(letter.weight)"


@pytest.mark.parametrize("asked", ["Parcel", "Letter", "Express"])
@pytest.mark.parametrize("made", [*LETTERS, ADDED])
def test_a_query_of_a_class_above_or_below(tmp_path: Path, made: str, asked: str) -> None:
    for query in (f"await session.scalars(select({asked}))", f"await session.get({asked}, 1)"):
        assert found(tmp_path, f"{made}await session.commit()\n{query}\n{WEIGHT}", imports=QUERIES) == []


@pytest.mark.parametrize("made", LETTERS)
def test_a_query_of_a_class_of_its_own(tmp_path: Path, made: str) -> None:
    query = "await session.scalars(select(Order))"
    assert found(tmp_path, f"{made}await session.commit()\n{query}\n{WEIGHT}", imports=QUERIES) == [WEIGHT]


def test_a_query_of_another_branch(tmp_path: Path) -> None:
    note = "class Note(Parcel):\n    __mapper_args__ = {'polymorphic_identity': 'note'}"
    read = "print(express.weight)"
    body = f"express = await session.get_one(Express, 1)\nawait session.commit()\nawait session.get(Note, 1)\n{read}"
    assert found(tmp_path, body, helpers=note) == [read]
