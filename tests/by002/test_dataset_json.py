"""Every dataset of BY002 as Dataset-JSON: cell by cell what an independent reader finds in the transport file."""

import json
from datetime import datetime

import pyreadstat

from trialmill.convert import convert


def number(text, kind):
    """Days or seconds since 1960 of a date, or seconds of the day, as text."""
    since = datetime.fromisoformat(f"1960-01-01T{text}" if kind == "time" else text) - datetime(1960, 1, 1)
    return since.days if kind == "date" else since.days * 86400 + since.seconds


def test_every_cell_of_every_dataset_is_that_of_the_transport_file(built, tmp_path):
    paths = sorted(built.rglob("*.xpt"))
    assert len(paths) == 58
    cells = moments = 0
    for path in paths:
        target, back = tmp_path / f"{path.stem}.ndjson", tmp_path / path.name
        convert(path, target)
        said, *rows = map(json.loads, target.read_text(encoding="utf-8").splitlines())
        frame, _ = pyreadstat.read_xport(path, disable_datetime_conversion=True)
        assert ([c["name"] for c in said["columns"]], said["records"]) == (list(frame.columns), len(rows))
        for column, values in zip(said["columns"], zip(*rows, strict=True), strict=True):
            found, kind = list(values), column["dataType"]
            if column.get("targetDataType") == "integer":
                found = [None if v is None else number(v, kind) for v in found]
                moments += len(found)
            there = frame[column["name"]]
            assert found == there.astype(object).where(there.notna(), None).tolist(), (path.stem, column["name"])
            cells += len(found)
        convert(target, back)
        assert back.read_bytes() == path.read_bytes()
    assert cells > 1_000_000 and moments > 10_000
