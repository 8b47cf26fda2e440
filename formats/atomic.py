"""Files that appear whole or not at all.

The bytes go to a temporary file in the target's own folder, are forced to the disk, and take the
target's name in one step; a failure on the way leaves the old file as it was and no trace of the new one.
Several files that exist are replaced together by `replace_together`; a folder that appears whole is a build's affair.

Sources: POSIX rename(2), which replaces a file in one step within one file system.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from engine.errors import FileError, Place, Problem


@contextmanager
def atomic_write(path: Path | str, *, durable: bool = True) -> Iterator[BinaryIO]:
    """A binary file to write; it becomes `path` when the block ends without an error.

    Args:
        path: the file to make or replace; its folder must exist.
        durable: force the bytes to the disk before the file takes its name.

    Raises:
        FileError: the folder is missing or closed to writing, or `path` is a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise FileError(Problem("a folder stands where the file should be written", Place(str(path))))
    part = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except OSError as error:
        raise FileError(Problem("the file cannot be written", Place(str(path)), found=str(error.strerror),
                                do="check that the folder exists and may be written to")) from None
    try:
        with os.fdopen(handle, "wb", buffering=0) as file:
            yield _Whole(file)  # type: ignore[misc]
            if durable:
                os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            part.unlink()
        raise
    if durable:
        _settle_folder(path.parent)


def write_bytes(path: Path | str, content: bytes, *, durable: bool = True) -> None:
    """Write `content` as the whole of `path`; FileError as in `atomic_write`."""
    with atomic_write(path, durable=durable) as file:
        file.write(content)


def replace_together(contents: dict[Path, bytes]) -> None:
    """Give several files that exist new contents: all of them, or none where anything fails before the last step.

    Everything is on the disk under temporary names before the first file is replaced; permissions stay. Should a
    replacement itself fail, those made before it are undone.

    Raises:
        FileError: a file is not there, or its folder is closed to writing.
    """
    parts: list[tuple[Path, Path]] = []
    former: list[tuple[Path, bytes]] = []
    try:
        for path, content in sorted(contents.items()):
            target = path.resolve()
            part = target.with_name(f".{target.name}.{secrets.token_hex(6)}.part")
            try:
                mode = target.stat().st_mode & 0o777
                handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            except OSError as error:
                raise FileError(Problem("the file cannot be written", Place(str(path)), found=str(error.strerror),
                                        do="check that the folder exists and may be written to")) from None
            parts.append((part, target))
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
        for part, target in parts:
            old = target.read_bytes()
            part.replace(target)
            former.append((target, old))
    except BaseException:
        for target, old in former:
            write_bytes(target, old)
        raise
    finally:
        for part, _ in parts:
            with suppress(FileNotFoundError):
                part.unlink()
    for folder in {target.parent for _, target in parts}:
        _settle_folder(folder)


class _Whole:
    """A raw file whose write() takes all the bytes it is given (a raw write may take fewer)."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw

    def write(self, content: bytes | memoryview) -> int:
        view = memoryview(content).cast("B")
        done = 0
        while done < len(view):
            done += self._raw.write(view[done:])
        return done

    def __getattr__(self, name: str) -> object:
        return getattr(self._raw, name)


def _settle_folder(folder: Path) -> None:
    """Force the new name to the disk, on systems that can open a folder."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
