"""The engine settings of the matrix: source text that makes an engine, and what its author has to know."""

from __future__ import annotations

from dataclasses import dataclass

HEAD = """
import os
from uuid import uuid4

from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

ADDRESS = f"app@127.0.0.1:{os.environ['POOLER_PORT']}/{os.environ['POOL']}"
ASYNCPG = "postgresql+asyncpg://" + ADDRESS
PSYCOPG = "postgresql+psycopg://" + ADDRESS
OFF = {"statement_cache_size": 0}
OTHER_OFF = {"prepared_statement_cache_size": 0}
BOTH = {**OFF, **OTHER_OFF}
UNIQUE = {"prepared_statement_name_func": lambda: f"__asyncpg_{uuid4()}__"}
EMPTY = {"prepared_statement_name_func": lambda: ""}
NO_OPS = {"no_prepare": True, "raw_sql": True}

"""


@dataclass(frozen=True, slots=True)
class Row:
    """One setting. `sees` is False where what fails depends on the pooler's own settings, which no source shows."""

    name: str
    engine: str
    sees: bool = True

    @property
    def source(self) -> str:
        """The text that the engine is made by, and that is checked."""
        return f"{HEAD}engine = create_async_engine({self.engine})\n"


ROWS = (
    Row("default", "ASYNCPG"),
    Row("default_null_pool", "ASYNCPG, poolclass=NullPool"),
    Row("off", "ASYNCPG, connect_args=OFF"),
    Row("off_null_pool", "ASYNCPG, connect_args=OFF, poolclass=NullPool"),
    Row("other_off", "ASYNCPG, connect_args=OTHER_OFF"),
    Row("other_off_null_pool", "ASYNCPG, connect_args=OTHER_OFF, poolclass=NullPool"),
    Row("other_off_in_url", 'ASYNCPG + "?prepared_statement_cache_size=0"'),
    Row("both", "ASYNCPG, connect_args=BOTH"),
    Row("both_null_pool", "ASYNCPG, connect_args=BOTH, poolclass=NullPool"),
    Row("both_pre_ping", "ASYNCPG, connect_args=BOTH, pool_pre_ping=True"),
    Row("both_autocommit", 'ASYNCPG, connect_args=BOTH, isolation_level="AUTOCOMMIT"'),
    Row("both_one_in_url", 'ASYNCPG + "?prepared_statement_cache_size=0", connect_args=OFF'),
    Row("unique", "ASYNCPG, connect_args=UNIQUE"),
    Row("unique_null_pool", "ASYNCPG, connect_args=UNIQUE, poolclass=NullPool"),
    Row("unique_off", "ASYNCPG, connect_args={**UNIQUE, **OFF}"),
    Row("unique_off_null_pool", "ASYNCPG, connect_args={**UNIQUE, **OFF}, poolclass=NullPool"),
    Row("unique_other_off", "ASYNCPG, connect_args={**UNIQUE, **OTHER_OFF}"),
    Row("unique_both", "ASYNCPG, connect_args={**UNIQUE, **BOTH}"),
    Row("unique_both_null_pool", "ASYNCPG, connect_args={**UNIQUE, **BOTH}, poolclass=NullPool"),
    Row("empty", "ASYNCPG, connect_args=EMPTY"),
    Row("empty_both", "ASYNCPG, connect_args={**EMPTY, **BOTH}"),
    Row("url_off", 'ASYNCPG + "?statement_cache_size=0"'),
    Row("url_both", 'ASYNCPG + "?statement_cache_size=0&prepared_statement_cache_size=0"'),
    Row("texts", 'ASYNCPG, connect_args={"statement_cache_size": "0", "prepared_statement_cache_size": "0"}'),
    Row("one_text", 'ASYNCPG, connect_args={**OFF, "prepared_statement_cache_size": "0"}'),
    Row("no_ops", "ASYNCPG, execution_options=NO_OPS"),
    Row("no_ops_both", "ASYNCPG, connect_args=BOTH, execution_options=NO_OPS"),
    Row("no_ops_in_url", 'ASYNCPG + "?raw_sql=true&no_prepare=true", connect_args=BOTH'),
    Row("no_ops_in_args", "ASYNCPG, connect_args={**BOTH, **NO_OPS}"),
    Row("server_setting", 'ASYNCPG, connect_args={**BOTH, "server_settings": {"statement_cache_size": "0"}}'),
    Row("application_name", 'ASYNCPG, connect_args={**BOTH, "server_settings": {"application_name": "app"}}'),
    Row("jit", 'ASYNCPG, connect_args={**BOTH, "server_settings": {"jit": "off"}}', sees=False),
    Row("keyword", "ASYNCPG, statement_cache_size=0"),
    Row("other_keyword", "ASYNCPG, connect_args=BOTH, prepared_statement_cache_size=0"),
    Row("settings_keyword", "ASYNCPG, connect_args=BOTH, server_settings={}"),
    Row("pgbouncer_in_url", 'ASYNCPG + "?pgbouncer=true", connect_args=BOTH'),
    Row("threshold_on_asyncpg", 'ASYNCPG, connect_args={**BOTH, "prepare_threshold": None}'),
    Row("psycopg", "PSYCOPG"),
    Row("psycopg_null_pool", "PSYCOPG, poolclass=NullPool"),
    Row("psycopg_never", 'PSYCOPG, connect_args={"prepare_threshold": None}'),
    Row("psycopg_at_once", 'PSYCOPG, connect_args={"prepare_threshold": 0}'),
    Row("psycopg_pgbouncer", 'PSYCOPG + "?pgbouncer=true", connect_args={"prepare_threshold": None}'),
    Row("asyncpg_on_psycopg", 'PSYCOPG, connect_args={"prepare_threshold": None, "statement_cache_size": 0}'),
    Row("psycopg_keyword", 'PSYCOPG, connect_args={"prepare_threshold": None}, prepare_threshold=None'),
)
