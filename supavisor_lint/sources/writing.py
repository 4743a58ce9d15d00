"""Text back to a file: in its own encoding, whole or not at all, and only if nobody has changed it meanwhile."""

from __future__ import annotations

import os
import stat
import tempfile
from codecs import BOM_UTF8
from pathlib import Path

from supavisor_lint.sources.reading import encoding_of


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
        return bom + text.encode("utf-8" if encoding == "utf-8-sig" else encoding)
    except UnicodeEncodeError as error:
        raise UnwritableFile(f"{encoding} cannot encode {text[error.start]!r}") from error


def replace_file(path: Path, before: bytes, after: bytes, root: Path) -> None:
    """Put `after` into a file that holds `before`; raises UnwritableFile, with the file as it was.

    A temporary file in the same folder takes its place at once, with its mode, when it is on the disk. A symbolic link
    is followed if it leads to a file below `root`.
    """
    try:
        target = Path(os.path.realpath(path))
        if path.is_symlink() and not target.is_relative_to(os.path.realpath(root)):
            raise UnwritableFile(f"it is a link to a file outside {root}")
        state = target.stat()
        if not stat.S_ISREG(state.st_mode):
            raise UnwritableFile("it is no regular file")
        if not os.access(target, os.W_OK):
            raise UnwritableFile("it is write-protected")
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(after)
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).chmod(stat.S_IMODE(state.st_mode))
            if target.read_bytes() != before:
                raise UnwritableFile("it has changed on disk meanwhile")
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UnwritableFile(error.strerror or str(error)) from error
