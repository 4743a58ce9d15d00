"""SUP501's and SUP502's rewrites: an engine's call gets what works behind a pooler, and loses what has no effect."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from rewrite_support import fix_project, left, rewritten

HEAD = "from sqlalchemy.ext.asyncio import create_async_engine\n"
URL = '"postgresql+asyncpg://app@x.pooler.supabase.com:6543/app"'
NO_OPS = 'execution_options={"no_prepare": True, "raw_sql": True}'
OFF = '"statement_cache_size": 0, "prepared_statement_cache_size": 0'


def after(tmp_path: Path, text: str, **settings: object) -> str:
    files = {"app/db.py": HEAD + dedent(text)}
    result = rewritten(tmp_path, files, "app/db.py", unsafe=True, **settings)
    compile(result, "app/db.py", "exec")
    assert left(tmp_path, {"app/db.py": result}, **settings) == []
    return result.removeprefix(HEAD)


def reasons(tmp_path: Path, text: str) -> list[str]:
    files = {"app/db.py": HEAD + dedent(text)}
    assert rewritten(tmp_path, files, "app/db.py", unsafe=True) == files["app/db.py"]
    return [line.split(" ", 2)[2] for line in left(tmp_path, files, unsafe=True)]


# ------------------------------------------------------------------------------------------------------- left alone


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ('"sslmode": mode', "what `sslmode` was to do is left to you: it is libpq's; asyncpg calls it `ssl`"),
        (
            '"sslmode": "require", "ssl": True',
            "what `sslmode` was to do is left to you: it is libpq's; asyncpg calls it `ssl`",
        ),
        (
            '"sslrootcert": "ca.pem"',
            "what `sslrootcert` was to do is left to you: it is libpq's; asyncpg wants an `ssl.SSLContext` as `ssl`",
        ),
    ],
)
def test_what_has_no_other_spelling_is_left(tmp_path: Path, options: str, reason: str) -> None:
    text = f"""
    mode = read()
    engine = create_async_engine({URL}, connect_args={{{OFF}, {options}}})
    """
    assert reasons(tmp_path, text) == [reason]


def test_a_mode_that_psycopg_reads_too_is_left(tmp_path: Path) -> None:
    text = f"""
    ARGS = {{{OFF}, "sslmode": "require"}}
    engine = create_async_engine({URL}, connect_args=ARGS)
    direct = psycopg.connect(**ARGS)
    """
    assert reasons(tmp_path, text) == ["other code uses the options in line 3 as well"]


def test_nothing_is_fixed_without_unsafe(tmp_path: Path) -> None:
    files = {"app/db.py": f"{HEAD}engine = create_async_engine({URL})\n"}
    assert rewritten(tmp_path, files, "app/db.py") == files["app/db.py"]


def test_options_of_a_function_are_left(tmp_path: Path) -> None:
    text = f"""
    def options():
        return {{"command_timeout": 5}}

    engine = create_async_engine({URL}, connect_args=options())
    """
    assert reasons(tmp_path, text) == ["`connect_args` comes from elsewhere: put the options in there"]


def test_a_dict_that_others_use_as_well_is_left(tmp_path: Path) -> None:
    text = f"""
    ARGS = {{"command_timeout": 5}}
    engine = create_async_engine({URL}, connect_args=ARGS)
    other = dict(ARGS)
    """
    assert reasons(tmp_path, text) == ["`connect_args` comes from elsewhere: put the options in there"]


def test_a_size_that_is_no_number_is_left(tmp_path: Path) -> None:
    options = '"statement_cache_size": 0, "prepared_statement_cache_size": "many"'
    text = f"engine = create_async_engine({URL}, connect_args={{{options}}})\n"
    assert reasons(tmp_path, text) == [
        "the value of `prepared_statement_cache_size` is no number: say which one is meant"
    ]


def test_an_option_in_the_url_is_left(tmp_path: Path) -> None:
    text = f'engine = create_async_engine({URL[:-1]}?pgbouncer=true", connect_args={{{OFF}}})\n'
    assert reasons(tmp_path, text) == ["`pgbouncer` stands in the URL: take it out there"]


def test_a_comment_beside_an_option_keeps_it(tmp_path: Path) -> None:
    text = f"""
    engine = create_async_engine(
        {URL},
        connect_args={{{OFF}}},
        execution_options={{
            "no_prepare": True,  # ask Jo
        }},
    )
    """
    assert reasons(tmp_path, text) == ["a comment stands beside the options in line 6"]


def test_a_suppressed_option_is_left(tmp_path: Path) -> None:
    text = f"""
    engine = create_async_engine(
        {URL},
        connect_args={{{OFF}}},
        execution_options={{
            "no_prepare": True,  # noqa: SUP502
            "raw_sql": True,
        }},
    )
    """
    assert reasons(tmp_path, text) == ["the rewrite would change line 7, where SUP502 is suppressed"]


@pytest.mark.parametrize(
    "other",
    [
        "direct = asyncpg.connect(**OPTIONS)",
        "def options():\n    return OPTIONS",
    ],
)
def test_options_that_others_use_as_well_are_left(tmp_path: Path, other: str) -> None:
    text = f"""
    OPTIONS = {{"statement_cache_size": 0, "isolation_level": "READ COMMITTED"}}
    engine = create_async_engine({URL}, connect_args={{{OFF}}}, execution_options=OPTIONS)
    """
    assert reasons(tmp_path, dedent(text) + other + "\n")[0] == "other code uses the options in line 3 as well"


def test_options_that_another_driver_knows_are_left(tmp_path: Path) -> None:
    text = f"""
    ARGS = {{"prepare_threshold": None, "connect_timeout": 5}}
    engine = create_async_engine({URL}, connect_args=ARGS)
    other = create_async_engine({URL.replace("asyncpg", "psycopg")}, connect_args=ARGS)
    """
    assert reasons(tmp_path, text)[0] == "other code uses the options in line 3 as well"


def test_options_that_a_function_makes_are_left(tmp_path: Path) -> None:
    text = f"""
    def options():
        return {{"no_prepare": True, "isolation_level": "READ COMMITTED"}}

    engine = create_async_engine({URL}, connect_args={{{OFF}}}, execution_options=options())
    """
    assert reasons(tmp_path, text) == ["the options of this engine are made elsewhere: change them there"]


# ------------------------------------------------------------------------------------------------------------ given


def test_connect_args_are_added(tmp_path: Path) -> None:
    assert after(tmp_path, f"engine = create_async_engine({URL})\n") == (
        f"engine = create_async_engine({URL}, connect_args={{{OFF}}})\n"
    )


def test_connect_args_are_added_on_a_line_of_their_own(tmp_path: Path) -> None:
    text = f"""
    engine = create_async_engine(
        {URL},
        pool_size=5,  # small
    )
    """
    assert f"    pool_size=5,  # small\n    connect_args={{{OFF}}},\n)" in after(tmp_path, text)


def test_what_is_missing_is_added_to_the_dict(tmp_path: Path) -> None:
    text = f"""
    ARGS = {{"command_timeout": 5}}
    engine = create_async_engine({URL}, connect_args=ARGS)
    """
    assert f'ARGS = {{"command_timeout": 5, {OFF}}}\n' in after(tmp_path, text)


def test_a_wrong_size_becomes_0(tmp_path: Path) -> None:
    text = f'engine = create_async_engine({URL}, connect_args={{"statement_cache_size": 100}})\n'
    assert f"connect_args={{{OFF}}}" in after(tmp_path, text)


def test_older_asyncpg_gets_names(tmp_path: Path) -> None:
    result = after(tmp_path, f"engine = create_async_engine({URL})\n", asyncpg_version="0.30")
    assert result.startswith("from uuid import uuid4\n")
    assert '"prepared_statement_name_func": lambda: f"__asyncpg_{uuid4()}__"' in result


def test_psycopg_gets_its_own(tmp_path: Path) -> None:
    text = (
        f"engine = create_async_engine({URL.replace('asyncpg', 'psycopg')}, connect_args={{'prepare_threshold': 0}})\n"
    )
    assert "connect_args={'prepare_threshold': None}" in after(tmp_path, text)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (f'connect_args={{{OFF}, "raw_sql": True}}', f"connect_args={{{OFF}}}"),
        (f'connect_args={{"raw_sql": True, {OFF}}}', f"connect_args={{{OFF}}}"),
        (
            f'connect_args={{{OFF}}}, execution_options={{"no_prepare": True, "raw_sql": True}}',
            f"connect_args={{{OFF}}}",
        ),
        (
            f'execution_options={{"no_prepare": True, "raw_sql": True}}, connect_args={{{OFF}}}',
            f"connect_args={{{OFF}}}",
        ),
        ('connect_args={"server_settings": {"statement_cache_size": "0"}}', f"connect_args={{{OFF}}}"),
        ("statement_cache_size=0, echo=True", f"echo=True, connect_args={{{OFF}}}"),
        ('connect_args={"statement_cache_size": "0"}', f"connect_args={{{OFF}}}"),
    ],
)
def test_what_has_no_effect_goes(tmp_path: Path, before: str, expected: str) -> None:
    assert after(tmp_path, f"engine = create_async_engine({URL}, {before})\n") == (
        f"engine = create_async_engine({URL}, {expected})\n"
    )


def test_options_of_two_engines_go_at_once(tmp_path: Path) -> None:
    text = f"""
    OPTIONS = {{"no_prepare": True, "isolation_level": "READ COMMITTED", "raw_sql": True}}
    engine = create_async_engine({URL}, connect_args={{{OFF}}}, execution_options=OPTIONS)
    other = create_async_engine({URL}, connect_args={{{OFF}}}, execution_options=OPTIONS)
    """
    assert 'OPTIONS = {"isolation_level": "READ COMMITTED"}\n' in after(tmp_path, text)


def test_options_of_the_server_in_a_variable_go_with_their_dict(tmp_path: Path) -> None:
    text = f"""
    ARGS = {{
        {OFF},
        "server_settings": {{
            "statement_cache_size": "0"
        }},
    }}
    engine = create_async_engine(
        {URL},
        connect_args=ARGS,
        execution_options={{
            "isolation_level": "READ COMMITTED",
            "no_prepare": True,
            "raw_sql": True
        }}
    )
    """
    assert after(tmp_path, text) == dedent(
        f"""
    ARGS = {{
        {OFF},
    }}
    engine = create_async_engine(
        {URL},
        connect_args=ARGS,
        execution_options={{
            "isolation_level": "READ COMMITTED"
        }}
    )
    """
    )


def test_two_engines_in_one_call_are_mended_in_turn(tmp_path: Path) -> None:
    engine = f"create_async_engine({URL}, raw_sql=True, connect_args={{{OFF}}})"
    text = f"engines = dict(one={engine}, other={engine})\n"
    assert after(tmp_path, text) == text.replace("raw_sql=True, ", "")


def test_the_other_settings_of_the_server_stay(tmp_path: Path) -> None:
    text = f"""
    engine = create_async_engine(
        {URL},
        connect_args={{
            {OFF},
            "server_settings": {{
                "statement_cache_size": "0",
                "application_name": "app",
            }},
        }},
    )
    """
    expected = dedent(text).replace('            "statement_cache_size": "0",\n', "").lstrip("\n")
    assert after(tmp_path, text).lstrip("\n") == expected


def test_comments_beside_options_stay(tmp_path: Path) -> None:
    text = f"""
    engine = create_async_engine(
        {URL},
        # the pool is small
        pool_size=5,
        raw_sql=True,  # ask Jo
        # the sizes
        connect_args={{
            # says Supabase
            "no_prepare": True,
            # says SQLAlchemy
            {OFF},  # both
            "pgbouncer": True,
        }},
    )
    """
    expected = dedent(text).replace("raw_sql=True,  # ask", "# ask")
    for line in ('        "no_prepare": True,\n', '        "pgbouncer": True,\n'):
        expected = expected.replace(line, "")
    assert after(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("url", "told"),
    [(f'os.environ.get("DATABASE_URL", {URL})', True), (URL, False)],
)
def test_the_title_says_what_a_url_of_another_driver_would_do(tmp_path: Path, url: str, told: bool) -> None:
    files = {"app/db.py": f"import os\nimport asyncpg\n{HEAD}engine = create_async_engine({url})\n"}
    titles = {f.fix.title for f in fix_project(tmp_path, files).result.findings if f.fix is not None}
    assert [("a URL of another driver" in title) for title in titles] == [told]


def test_the_mode_of_ssl_keeps_its_value(tmp_path: Path) -> None:
    text = f'engine = create_async_engine({URL}, connect_args={{{OFF}, "sslmode": "verify-full"}})\n'
    assert after(tmp_path, text) == text.replace("sslmode", "ssl")


def test_the_mode_of_ssl_changes_with_what_a_pooler_needs(tmp_path: Path) -> None:
    text = f'engine = create_async_engine({URL}, connect_args={{"sslmode": "require"}})\n'
    assert after(tmp_path, text) == text.replace('"sslmode": "require"', f'"ssl": "require", {OFF}')
