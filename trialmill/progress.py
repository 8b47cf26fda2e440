"""A line on standard error while a command takes longer than two seconds; nothing when it is quick.

On a terminal the line is rewritten; elsewhere a line is written each half minute.
"""

from __future__ import annotations

import sys
import time

PATIENCE = 2.0  # seconds before anything is said
EVERY = {True: 0.2, False: 30.0}  # seconds between lines, on a terminal and elsewhere


class Progress:
    """Call it with what is done and what there is to do; leaving the block ends the line."""

    def __init__(self, what: str) -> None:
        """`what` is counted, such as subjects."""
        self.what, self._terminal = what, sys.stderr.isatty()
        self._begun, self._next, self._said = time.monotonic(), 0.0, False
        self._next = self._begun + PATIENCE

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Say how far it is, when it is time to."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next, self._said = now + EVERY[self._terminal], True
        left = (now - self._begun) / max(done, 1) * (total - done)
        text = f"{done:,} of {total:,} {self.what}, about {left:,.0f} s left {note}".rstrip()
        print(
            f"\r\033[K{text}" if self._terminal else text,
            end="" if self._terminal else "\n",
            file=sys.stderr,
            flush=True,
        )

    def __enter__(self) -> Progress:
        """Nothing is said yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the line away."""
        if self._said and self._terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
