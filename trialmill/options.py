"""What commands take when they are told nothing else.

Sources: architecture, "The contract".
"""

from __future__ import annotations

from pathlib import Path

DEFAULT_STUDY = Path("specs/by002")
