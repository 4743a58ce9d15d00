"""Database URLs, partly known: how they are read from a text, and what their address tells about a pooler."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.node import NO_SPAN, Node
from supavisor_lint.project.data import (
    NOTHING_KNOWN,
    Data,
    Item,
    Map,
    Plain,
    Text,
    Unclear,
    Url,
    as_text,
    text_of,
    words_of,
)

Place: TypeAlias = Literal["pooler", "direct", "unknown"]

DRIVERS = frozenset({"asyncpg", "psycopg", "psycopg_async"})
"""The async drivers for PostgreSQL, as they stand behind the `+` of a scheme."""

UNKNOWN_URL = Url(NOTHING_KNOWN, None, NOTHING_KNOWN, Map(is_open=True))
EMPTY_URL = Url(NOTHING_KNOWN, None, None, Map())

_POOLER_PORTS = frozenset({6543, 6432})  # Supabase's and Neon's transaction mode; PgBouncer's default
_POOLER = re.compile(r"pooler|supavisor|pgbouncer|pgcat|odyssey", re.IGNORECASE)
_DIRECT = re.compile(r"direct|session|non_?pool|unpooled", re.IGNORECASE)
_SUPABASE = re.compile(r"\.pooler\.supabase\.|supavisor|supabase", re.IGNORECASE)
_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]", ""})
_FIRST_GAP = 0xE000  # gaps are private-use characters while a text is taken apart
_NO_GAPS = re.compile("[\ue000-\uf8ff]")
_PORT = re.compile(r"[0-9]{1,5}")
_URL = re.compile(
    r"(?P<scheme>[^:/?]*)://(?:(?P<user>[^@/?]*)@)?(?P<host>\[[^]]*\]|[^:/?]*)(?::(?P<port>[^/?]*))?"
    r"(?:/(?P<database>[^?]*))?(?:\?(?P<query>.*))?",
    re.DOTALL,
)


def url_of(data: Data) -> Url:
    """The URL that some data is or spells."""
    match data:
        case Url():
            return data
        case Text():
            return _parsed(data)
        case Unclear():
            return replace(UNKNOWN_URL, scheme=data, text=Text((data,)))
        case _:
            return UNKNOWN_URL


def _parsed(text: Text) -> Url:
    gaps = [piece for piece in text.pieces if isinstance(piece, Unclear)]
    numbers = iter(range(_FIRST_GAP, _FIRST_GAP + len(gaps)))
    spelled = "".join(_NO_GAPS.sub("?", p) if isinstance(p, str) else chr(next(numbers)) for p in text.pieces)
    match = _URL.match(spelled)
    if match is None:
        query = spelled.partition("?")[2]
        everything = Unclear(words_of(text), frozenset(d for gap in gaps for d in gap.drivers))
        return Url(everything, text if gaps else None, NOTHING_KNOWN, _query(query, True), text)
    scheme = _part(match["scheme"], gaps)
    host, port = _part(match["host"], gaps), match["port"]
    open_end = port is None and match["database"] is None and host.whole is None
    return Url(
        scheme.whole if scheme.whole is not None else Unclear(words_of(scheme), _drivers(scheme)),
        host,
        _port(host, port, gaps),
        _query(match["query"] or "", open_end or _has_gap(match["query"] or "")),
        text,
    )


def _part(spelled: str, gaps: list[Unclear]) -> Text:
    return text_of(*(gaps[ord(c) - _FIRST_GAP] if _has_gap(c) else c for c in spelled))


def _has_gap(spelled: str) -> bool:
    return _NO_GAPS.search(spelled) is not None


def _drivers(text: Text) -> frozenset[str]:
    return frozenset(d for piece in text.pieces if isinstance(piece, Unclear) for d in piece.drivers)


def _port(host: Text, port: str | None, gaps: list[Unclear]) -> int | Unclear | None:
    if port is None:
        return None if host.whole is not None else NOTHING_KNOWN  # an unknown host may bring its port
    part = _part(port, gaps)
    if part.whole is None:
        return Unclear(words_of(part))
    return int(part.whole) if _PORT.fullmatch(part.whole) else None


class _InText(Node):
    """The place of an option inside a URL's text: whoever reports it knows the URL's expression."""

    __slots__ = ()
    __match_args__ = ()


_IN_TEXT = _InText()
_IN_TEXT.be_root()
_IN_TEXT.set_span(NO_SPAN)
_NO_FILE = FileFacts.__new__(FileFacts)


def _query(spelled: str, is_open: bool) -> Map:
    pairs = parse_qsl(spelled, keep_blank_values=True)
    items = {
        key: Item(_NO_FILE, _IN_TEXT, (NOTHING_KNOWN if _has_gap(value) else text_of(value),))
        for key, value in pairs
        if not _has_gap(key)
    }
    return Map(items, is_open or any(_has_gap(key) for key, _ in pairs))


def with_parts(url: Url, parts: Mapping[str, tuple[Data, ...]]) -> Url:
    """A URL with some parts replaced, each by what `URL.create` and `URL.set` call it."""
    changed = replace(url, text=None)
    for name, alternatives in parts.items():
        data = alternatives[0] if len(alternatives) == 1 else Unclear()
        if name in ("drivername", "scheme"):
            text = as_text(data)
            changed = replace(changed, scheme=text.whole or Unclear(words_of(text), _drivers(text)))
        elif name == "host":
            changed = replace(changed, host=None if data == Plain(None) else as_text(data))
        elif name == "port":
            changed = replace(changed, port=_port_of(data))
        elif name == "query":
            changed = replace(changed, query=data if isinstance(data, Map) else _query(as_text(data).whole or "", True))
    return changed


def _port_of(data: Data) -> int | Unclear | None:
    match data:
        case Plain(int() as port):
            return port
        case Plain(None):
            return None
        case Text() if _PORT.fullmatch(data.whole or ""):
            return int(data.whole or 0)
        case _:
            return Unclear(words_of(data))


# ------------------------------------------------------------------------------------------------------ what it tells


def driver_of(url: Url) -> str | None:
    """ "asyncpg", "psycopg", "other" for what is neither, or None when the scheme does not say."""
    if not isinstance(url.scheme, str):
        return None
    dialect, _, driver = url.scheme.partition("+")
    if dialect not in ("postgresql", "postgres"):
        return "other"
    if not driver:
        return None
    return "asyncpg" if driver == "asyncpg" else "psycopg" if driver in DRIVERS else "other"


def place_of(url: Url) -> Place:
    """Where a URL leads, by its port, its host, and the names of the variables that it is made of.

    Port 5432 is the server itself or Supabase's session mode; other poolers answer there too, and say so in the host.
    """
    host = url.host.whole if url.host is not None else ""
    spelled = "".join(piece for piece in (url.host.pieces if url.host is not None else ()) if isinstance(piece, str))
    port = 5432 if url.port is None else url.port
    names_pooler = _POOLER.search(spelled) is not None
    if port in _POOLER_PORTS:
        return "pooler"
    if port == 5432:
        return "pooler" if names_pooler and not _SUPABASE.search(spelled) else "direct"
    words = all_words(url)
    if any(_DIRECT.search(word) for word in words):
        return "direct"
    if names_pooler or any(_POOLER.search(word) for word in words):
        return "pooler"
    return "direct" if isinstance(port, int) and host in _LOCAL else "unknown"


def all_words(url: Url) -> frozenset[str]:
    """The names behind everything that is unknown in a URL."""
    scheme = words_of(url.scheme) if isinstance(url.scheme, Unclear) else frozenset()
    port = words_of(url.port) if isinstance(url.port, Unclear) else frozenset()
    return scheme | words_of(url.host) | port | words_of(url.text)
