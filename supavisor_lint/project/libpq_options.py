"""Options of libpq, which psycopg takes and asyncpg does not: `asyncpg.connect()` takes no others than its own.

SQLAlchemy hands it what stands in `connect_args` and in the URL as keywords. The names are those of libpq 18
(`PQconndefaults`) without those in the signature of `asyncpg.connect()` (0.32.0); tests/test_engines.py compares them.
"""

from __future__ import annotations

SSLMODE = "sslmode"
SSL = "ssl"
SSL_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})
"""The values of `sslmode`, which asyncpg takes as those of `ssl`."""

_ELSEWHERE = {
    SSLMODE: "asyncpg calls it `ssl`",
    "connect_timeout": "asyncpg calls it `timeout`: a number, in `connect_args`",
    "dbname": "asyncpg calls it `database`",
    "hostaddr": "asyncpg calls it `host`",
    "application_name": 'asyncpg wants it in `connect_args={"server_settings": {...}}`',
    "options": 'asyncpg wants the settings in `connect_args={"server_settings": {...}}`',
}
_CONTEXT = "asyncpg wants an `ssl.SSLContext` as `ssl`"
_OF_CONTEXT = frozenset(
    {
        "sslcert",
        "sslcrl",
        "sslcrldir",
        "sslkey",
        "sslpassword",
        "sslrootcert",
        "ssl_max_protocol_version",
        "ssl_min_protocol_version",
    }
)
_WITHOUT_PENDANT = frozenset(
    {
        "channel_binding",
        "client_encoding",
        "fallback_application_name",
        "gssdelegation",
        "gssencmode",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "load_balance_hosts",
        "max_protocol_version",
        "min_protocol_version",
        "oauth_client_id",
        "oauth_client_secret",
        "oauth_issuer",
        "oauth_scope",
        "replication",
        "require_auth",
        "requirepeer",
        "scram_client_key",
        "scram_server_key",
        "sslcertmode",
        "sslcompression",
        "sslkeylogfile",
        "sslnegotiation",
        "sslsni",
        "tcp_user_timeout",
    }
)

REFUSED = frozenset(_ELSEWHERE) | _OF_CONTEXT | _WITHOUT_PENDANT
"""What makes every connection of asyncpg end in a TypeError."""


def advice(name: str) -> str:
    """What to write for a refused option."""
    wanted = _CONTEXT if name in _OF_CONTEXT else _ELSEWHERE.get(name, "asyncpg has nothing like it, remove it")
    return f"it is libpq's; {wanted}"
