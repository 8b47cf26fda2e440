"""Puts a whole build in place of the former one in a single step, or not at all.

The new output folder is made beside the old one, read back by its maker, and then the two change places with one
call of the operating system; a kill at any moment leaves the old folder or the new one, never a mixture. Where
the system has no such call, two renames do it, and the next command finishes what was begun.

Sources: renameat2(2) with RENAME_EXCHANGE (Linux); renamex_np(2) with RENAME_SWAP (macOS).
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import CommandError, Place, Problem

_STAGING, _FORMER = ".new-", ".former-"


def publish(out: Path, make: Callable[[Path], None]) -> None:
    """Let `make` fill a new folder, then put it in the place of `out`.

    Whatever stood in `out` and was not made anew must be carried over by `make`. If `make` fails, nothing changes.

    Raises:
        CommandError: a file stands there, or another build is writing there at this moment.
    """
    if out.exists() and not out.is_dir():
        raise CommandError(Problem("a file stands where the output folder should be", Place(str(out))))
    out.parent.mkdir(parents=True, exist_ok=True)
    recover(out)
    staging = out.with_name(f"{_STAGING}{out.name}")
    with _locked(staging):
        try:
            make(staging)
            _settle(staging)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        if not out.exists():
            staging.rename(out)
        elif exchange(staging, out):
            shutil.rmtree(staging, ignore_errors=True)  # what cannot be removed now, the next command removes
        else:
            former = out.with_name(f"{_FORMER}{out.name}")
            out.rename(former)
            staging.rename(out)
            shutil.rmtree(former)
    _settle_folder(out.parent)


def recover(out: Path) -> None:
    """Undo or finish what a killed command left beside `out`: the output folder is whole afterwards.

    Raises:
        CommandError: the command that it was left by is not dead but at work.
    """
    staging, former = out.with_name(f"{_STAGING}{out.name}"), out.with_name(f"{_FORMER}{out.name}")
    if staging.exists():
        handle = os.open(staging, os.O_RDONLY)
        try:
            _lock(handle, staging)
            _finish(out, former)
            shutil.rmtree(staging)
        finally:
            os.close(handle)
    else:
        _finish(out, former)


def _finish(out: Path, former: Path) -> None:
    if former.exists():
        if out.exists():
            shutil.rmtree(former)
        else:
            former.rename(out)


@contextmanager
def _locked(staging: Path) -> Iterator[None]:
    """Make the staging folder and hold it: the system lets go of it when this process ends, however it ends."""
    try:
        staging.mkdir()
    except FileExistsError:
        raise _busy(staging) from None
    handle = os.open(staging, os.O_RDONLY)
    try:
        _lock(handle, staging)
        if not staging.exists() or not os.path.samestat(os.fstat(handle), staging.stat()):
            raise _busy(staging)  # another command took it for a dead one's in this very moment
        yield
    finally:
        os.close(handle)


def _lock(handle: int, staging: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _busy(staging) from None


def _busy(staging: Path) -> CommandError:
    return CommandError(
        Problem("another build is writing there", Place(str(staging)), do="wait until it ends, or name another OUT")
    )


def carry_over(out: Path, staging: Path, names: list[str]) -> None:
    """Link these files and folders of the former output into the new folder."""
    for name in names:
        source, target = out / name, staging / name
        if source.is_dir():
            shutil.copytree(source, target, copy_function=_link)
        elif source.exists():
            _link(str(source), str(target))


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def exchange(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; False where the system cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform.startswith("linux") and hasattr(libc, "renameat2"):
        at_cwd, swap = -100, 2
        return bool(libc.renameat2(at_cwd, os.fsencode(one), at_cwd, os.fsencode(other), swap) == 0)
    if sys.platform == "darwin" and hasattr(libc, "renamex_np"):
        return bool(libc.renamex_np(os.fsencode(one), os.fsencode(other), 2) == 0)
    return False


def _settle(folder: Path) -> None:
    """Force everything in a folder to the disk."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as handle:
                os.fsync(handle.fileno())
    _settle_folder(folder)


def _settle_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
