"""A PostgreSQL and a PgBouncer in transaction mode, for as long as a test wants them.

    reason = why_not()                 # None, or why this machine cannot run them
    with started() as servers:
        servers.pooled("some_pool")    # "app@127.0.0.1:PORT/some_pool": the address behind a scheme
        servers.direct                 # the same, past the pooler

Every database name that PgBouncer is asked for leads to the one database and has a pool of its own, of `POOL_SIZE`
server connections: what one test leaves on them is unknown to the next. Both servers listen on loopback only, on free
ports, and live in a temporary folder; both refuse to run as root, and so run as another user then.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

POOL_SIZE = 4
USER = "app"
_PATIENCE = 30.0
_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 400
fsync = off
synchronous_commit = off
full_page_writes = off
logging_collector = off
"""


@dataclass(frozen=True, slots=True)
class Servers:
    """The two servers' ports."""

    postgres_port: int
    pgbouncer_port: int

    @property
    def direct(self) -> str:
        """User, host, port and database of PostgreSQL itself."""
        return f"{USER}@127.0.0.1:{self.postgres_port}/postgres"

    def pooled(self, pool: str) -> str:
        """User, host, port and database of a pool; a new name makes a new pool."""
        return f"{USER}@127.0.0.1:{self.pgbouncer_port}/{pool}"


def why_not() -> str | None:
    """Why the servers cannot run here; None when they can."""
    missing = [name for name in ("initdb", "postgres", "pgbouncer") if _program(name) is None]
    if missing:
        return f"not installed here: {', '.join(missing)} (Debian: apt-get install postgresql pgbouncer)"
    if os.geteuid() == 0 and _other_user() is None:
        return "root may not run PostgreSQL, and there is no other user (postgres, nobody) to run it as"
    return None


@contextlib.contextmanager
def started() -> Iterator[Servers]:
    """Start both, wait until they answer, stop them at the end."""
    folder = Path(tempfile.mkdtemp(prefix="pooler-"))
    running: list[subprocess.Popen[bytes]] = []
    try:
        _give_away(folder)
        servers = Servers(_free_port(), _free_port())
        running.append(_start_postgres(folder, servers.postgres_port))
        running.append(_start_pgbouncer(folder, servers))
        yield servers
    finally:
        for process in reversed(running):
            _stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def _start_postgres(folder: Path, port: int) -> subprocess.Popen[bytes]:
    data = folder / "data"
    initdb = [_found("initdb"), "-D", str(data), "-U", USER, "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    made = subprocess.run(initdb, cwd=folder, capture_output=True, check=False, **_as_other_user())
    assert made.returncode == 0, made.stderr.decode()
    with (data / "postgresql.conf").open("a") as conf:
        conf.write(_SETTINGS)
    return _start([_found("postgres"), "-D", str(data), "-p", str(port)], folder, port)


def _start_pgbouncer(folder: Path, servers: Servers) -> subprocess.Popen[bytes]:
    ini = folder / "pgbouncer.ini"
    ini.write_text(
        f"""
[databases]
* = host=127.0.0.1 port={servers.postgres_port} dbname=postgres user={USER}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {servers.pgbouncer_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {POOL_SIZE}
server_round_robin = 1
max_client_conn = 1000
{_no_tracking()}
"""
    )
    _give_away(ini)
    return _start([_found("pgbouncer"), str(ini)], folder, servers.pgbouncer_port)


def _no_tracking() -> str:
    """PgBouncer from 1.21 on can translate the names of prepared statements; what it stands for here does not."""
    said = subprocess.run([_found("pgbouncer"), "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"(\d+)\.(\d+)", said)
    tracks = version is not None and (int(version[1]), int(version[2])) >= (1, 21)
    return "max_prepared_statements = 0" if tracks else ""


def _start(command: list[str], folder: Path, port: int) -> subprocess.Popen[bytes]:
    log = (folder / f"{Path(command[0]).name}.log").open("wb")
    with log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, **_as_other_user())
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return process
        time.sleep(0.05)
    _stop(process)
    raise RuntimeError(f"{command[0]} does not answer:\n{Path(log.name).read_text(errors='replace')}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _found(name: str) -> str:
    program = _program(name)
    assert program is not None, name
    return program


def _program(name: str) -> str | None:
    """A program on the path or where Debian keeps it, the newest version."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: float(p.parts[-3]), reverse=True)
    for candidate in (*debian, Path("/usr/sbin", name)):
        if os.access(candidate, os.X_OK):
            return str(candidate)
    return shutil.which(name)


def _other_user() -> str | None:
    import pwd

    names = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in names), None)


def _as_other_user() -> dict[str, object]:
    """What `subprocess` needs to run something as a user that is not root."""
    user = _other_user() if os.geteuid() == 0 else None
    if user is None:
        return {}
    import pwd

    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _give_away(path: Path) -> None:
    user = _other_user() if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(path, user)
