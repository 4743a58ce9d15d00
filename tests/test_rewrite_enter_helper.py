"""SUP104's rewrites: `with` to `async with`, and a missing call."""

from __future__ import annotations

from pathlib import Path

from project_support import SESSION_MODULE
from rewrite_support import left, rewritten


def body(text: str) -> dict[str, str]:
    return {"app/__init__.py": "", "app/session.py": SESSION_MODULE, "app/work.py": text}


def test_a_coroutine_that_is_entered_is_left(tmp_path: Path) -> None:
    text = """
    from app.session import raw_session

    async def work():
        async with raw_session() as session:
            await session.commit()
    """
    assert rewritten(tmp_path, body(text), "app/work.py") == rewritten(tmp_path, body(text), "app/work.py", unsafe=True)
    assert [line.split(" ", 2)[1] for line in left(tmp_path, body(text))] == ["SUP104"]


def test_with_becomes_async_with(tmp_path: Path) -> None:
    text = """
    from app.session import get_session

    async def work():
        with get_session() as session:  # entered
            await session.commit()
    """
    after = rewritten(tmp_path, body(text), "app/work.py")
    assert "    async with get_session() as session:  # entered\n" in after


def test_a_missing_call_is_added(tmp_path: Path) -> None:
    text = """
    from app.session import get_session

    async def work():
        async with get_session as session:
            await session.commit()
    """
    assert "    async with get_session() as session:\n" in rewritten(tmp_path, body(text), "app/work.py")


def test_with_in_a_plain_function_is_left(tmp_path: Path) -> None:
    text = """
    from app.session import get_session

    def work():
        with get_session() as session:
            session.commit()
    """
    assert left(tmp_path, body(text)) == ["app/work.py:5 SUP104 `async with` needs an `async def` around it"]


def test_a_missing_call_in_a_plain_with_is_added_together_with_the_async(tmp_path: Path) -> None:
    text = """
    from app.session import get_session

    async def work():
        with get_session as session:  # entered
            await session.commit()
    """
    assert "    async with get_session() as session:  # entered\n" in rewritten(tmp_path, body(text), "app/work.py")
    plain = text.replace("async def", "def").replace("await ", "")
    assert left(tmp_path, body(plain)) == ["app/work.py:5 SUP104 `async with` needs an `async def` around it"]
