"""Bytes back to a file: in its own encoding, whole or not at all, and only if nobody has changed it meanwhile."""

from __future__ import annotations

import os
import stat
import tempfile
from codecs import BOM_UTF8
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from supavisor_lint.sources.reading import UndecodableFile, decode, encoding_of

_ANY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class UnwritableFile(Exception):  # noqa: N818 - it is named for what the file is
    """A file was left as it was; `reason` says why, in one line."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def encode_like(text: str, data: bytes) -> bytes:
    """A text in the encoding, and with the BOM, of the bytes that it is to replace; raises UnwritableFile."""
    encoding = encoding_of(data)
    bom = BOM_UTF8 if data.startswith(BOM_UTF8) else b""
    try:
        encoded = bom + text.encode("utf-8" if encoding == "utf-8-sig" else encoding)
    except UnicodeEncodeError as error:
        raise UnwritableFile(f"{encoding} cannot encode {text[error.start]!a}") from error
    if not _reads_as(encoded, text):
        raise UnwritableFile(f"the file would no longer be read as {encoding}")
    return encoded


def _reads_as(data: bytes, text: str) -> bool:
    try:
        return decode(data) == text
    except UndecodableFile:
        return False


def replace_file(path: Path, before: bytes, after: bytes, root: Path) -> None:
    """Put `after` into a file that holds `before`; raises UnwritableFile, with the file as it was.

    A symbolic link is followed if it leads to a file below `root`. A file keeps its mode, and its owner where the
    operating system lets it.
    """

    def unless_changed() -> None:
        if target.read_bytes() != before:
            raise UnwritableFile("it has changed on disk meanwhile")

    try:
        target = Path(os.path.realpath(path))
        if path.is_symlink() and not target.is_relative_to(os.path.realpath(root)):
            raise UnwritableFile(f"it is a link to a file outside {root}")
        state = target.stat()
        if not stat.S_ISREG(state.st_mode):
            raise UnwritableFile("it is no regular file")
        if not state.st_mode & _ANY_WRITE or not os.access(target, os.W_OK):
            raise UnwritableFile("it is write-protected")
        write_whole(target, after, state, unless_changed)
    except OSError as error:
        raise UnwritableFile(error.strerror or str(error)) from error


def write_whole(
    target: Path, data: bytes, state: os.stat_result | None, check: Callable[[], None] = lambda: None
) -> None:
    """Put some bytes into a file, all or nothing, also if the process is killed; raises OSError.

    A temporary file in the same folder takes its place when it is on the disk, with the mode and owner of `state` (the
    old file's; None: those of a new file). Its name does not end in .py: what a kill leaves behind is never checked.
    `check` is called last, and may raise.
    """
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".supavisor-lint-", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        _adopt(Path(name), state)
        check()
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _adopt(new: Path, state: os.stat_result | None) -> None:
    """Give a new file the owner and the permissions of the old one, or those that a plain `open` would have given."""
    if state is None:
        umask = os.umask(0)
        os.umask(umask)
        new.chmod(0o666 & ~umask)
        return
    own = new.stat()
    if hasattr(os, "chown") and (own.st_uid, own.st_gid) != (state.st_uid, state.st_gid):
        with suppress(OSError):  # only root may give files away; what can be kept is kept
            os.chown(new, -1, state.st_gid)
            os.chown(new, state.st_uid, -1)
    new.chmod(stat.S_IMODE(state.st_mode))
