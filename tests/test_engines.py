"""Engines whose text is strange: nothing is raised, and nothing is claimed that the text does not say."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from project_support import findings, write

from supavisor_lint.project.libpq_options import REFUSED
from supavisor_lint.run import check_paths
from supavisor_lint.settings import Settings

HEAD = """
import os
from sqlalchemy.ext.asyncio import create_async_engine as make, async_engine_from_config
"""
SAFE = 'connect_args={"statement_cache_size": 0}'


@pytest.mark.parametrize(
    "engine",
    [
        'make("postgresql+asyncpg://app@db:²/app", ' + SAFE + ")",
        f'make("postgresql+asyncpg://app@db:{"9" * 5000}/app", {SAFE})',
        'make("postgresql+asyncpg://app@\ue000db\uf8ff:6543/app", ' + SAFE + ")",
        'make(f"postgresql+asyncpg://app@\ue001{os}:6543/app", ' + SAFE + ")",
        'make("")',
        'make("://")',
        'make("?=&;%%%zz")',
        'make(f"")',
        'make("%s" % 1)',
        'make("%(" % {})',
        'make("{" .format())',
        'make("{0}{x!r:>{y}}".format(1))',
        "make(b'postgresql+asyncpg://')",
        "make(make)",
        "make(*[], **{})",
        "make(**{**{}})",
        "make({}['x'])",
        "make([][0], connect_args=[])",
        "make(x := x)",
        "make(connect_args={None: 1, 2: 3, **None})",
        "async_engine_from_config()",
        "async_engine_from_config({}, 5)",
        "async_engine_from_config({}, prefix=os.environ['x'])",
        "async_engine_from_config(prefix='', configuration={'url': 'sqlite+aiosqlite://'})",
    ],
)
def test_strange_texts_are_no_findings(tmp_path: Path, engine: str) -> None:
    assert findings(tmp_path, {"app.py": f"{HEAD}\nengine = {engine}\n"}) == []


@pytest.mark.parametrize(
    "text",
    [
        "def url():\n    return url()\n",
        "def url():\n    return other()\ndef other():\n    return url()\n",
        "def url(n=0):\n    return url(n + 1) or url(n + 2) or url(n + 3)\n",
        "class url:\n    def __new__(cls):\n        return url()\n",
    ],
)
def test_what_leads_to_itself_ends(tmp_path: Path, text: str) -> None:
    assert findings(tmp_path, {"app.py": f"{HEAD}\n{text}\nengine = make(url())\n"}) == []


def test_many_alternatives_are_few(tmp_path: Path) -> None:
    """Each step doubles what a text may be: the answer is given up, not the time."""
    steps = "\n".join(f"    u{n + 1} = u{n} + 'a' if flag else u{n} + 'b'" for n in range(60))
    text = f"{HEAD}\ndef build(flag):\n    u0 = 'x'\n{steps}\n    return make(u60)\n"
    assert findings(tmp_path, {"app.py": text}) == []


def test_a_broken_settings_module_is_only_unknown(tmp_path: Path) -> None:
    files = {
        "app/__init__.py": "",
        "app/config.py": "DATABASE_URL = (\n",
        "app/engine.py": f"{HEAD}\nfrom app.config import DATABASE_URL\n\nengine = make(DATABASE_URL)\n",
    }
    assert findings(tmp_path, files) == []


def test_modes_of_the_setting(tmp_path: Path) -> None:
    files = {"app.py": f'{HEAD}\nengine = make("postgresql+asyncpg://app@" + os.environ["HOST"] + ":6543/app")\n'}
    unknown = {"app.py": f'{HEAD}\nengine = make("postgresql+asyncpg://" + os.environ["ADDRESS"])\n'}
    for mode, seen, unseen in (("transaction", 1, 1), ("auto", 1, 0), ("session", 0, 0), ("none", 0, 0), (None, 1, 1)):
        assert len(findings(tmp_path, files, pooler=mode)) == seen, mode
        assert len(findings(tmp_path, unknown, pooler=mode)) == unseen, mode
    hazards = {"profile": "hazards", "select": ("SUP501",)}
    assert len(findings(tmp_path, files, **hazards)) == 1
    assert findings(tmp_path, unknown, **hazards) == []
    assert findings(tmp_path, files, profile="hazards") == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ('"?statement_cache_size=0", connect_args={"statement_cache_size": 0}', "does nothing; remove it"),
        ('"?statement_cache_size=0", connect_args={"ssl": True}', "makes every connection fail; write the number"),
        ('"?statement_cache_size=0"', "makes every connection fail; write the number"),
    ],
)
def test_what_connect_args_says_as_well_replaces_the_url(tmp_path: Path, options: str, said: str) -> None:
    text = f'{HEAD}\nengine = make("postgresql+asyncpg://app@db/app" {options})\n'
    write(tmp_path, {"app.py": text})
    messages = [f.message for f in check_paths([tmp_path], tmp_path, Settings()).findings if f.code == "SUP502"]
    assert [said in message for message in messages] == [True], messages


def test_what_a_listener_knows_is_not_reported(tmp_path: Path) -> None:
    """Of libpq's options: a "do_connect" listener may take them out; without it they are reported."""
    listener = """
@event.listens_for(engine.sync_engine, "do_connect")
def connect(dialect, record, args, options):
    mode = options.pop("sslmode")
"""
    text = f'{HEAD}\nfrom sqlalchemy import event\nengine = make("postgresql+asyncpg://app@db/app?sslmode=require")\n'
    for more, count in ((listener, 0), (listener.replace("sslmode", "user"), 1)):
        assert len(findings(tmp_path, {"app.py": text + more}, select=("SUP502",))) == count, more


def test_an_option_of_libpqs_says_nothing_of_a_pooler(tmp_path: Path) -> None:
    """`pooler = "auto"` asks about engines whose author has thought of a pooler."""
    for option, count in (('"sslmode": "require"', 0), ('"raw_sql": True', 1)):
        text = f'{HEAD}\nengine = make("postgresql+asyncpg://" + os.environ["ADDRESS"], connect_args={{{option}}})\n'
        assert len(findings(tmp_path, {"app.py": text}, pooler="auto", select=("SUP501",))) == count, option


def test_the_options_of_libpq_are_those_that_asyncpg_refuses() -> None:
    asyncpg, psycopg = pytest.importorskip("asyncpg"), pytest.importorskip("psycopg")
    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    own = set(inspect.signature(asyncpg.connect).parameters)
    assert own.isdisjoint(REFUSED)
    assert known - own <= REFUSED
