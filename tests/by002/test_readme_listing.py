"""README lists what a build of BY002 makes, with its records."""

import re
from pathlib import Path

import pyreadstat

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_listing_in_readme_is_what_was_built(built):
    listed = {}
    for package, text in re.findall(r"^- `build/by002/(\w+)`: (.*?) records$", README, re.MULTILINE | re.DOTALL):
        for name, count in re.findall(r"([A-Z]+)\s+([\d,]+)", text):
            listed[f"{package}/{name.lower()}.xpt"] = int(count.replace(",", ""))
    found = {}
    for path in built.rglob("*.xpt"):
        frame, _ = pyreadstat.read_xport(path)
        found[path.relative_to(built).as_posix()] = len(frame)
    assert listed == found
