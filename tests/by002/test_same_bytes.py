"""The same study gives the same bytes whatever carries it, in any order, on any day; and other readers agree on them."""

import hashlib
import random
import shutil
from datetime import datetime

import numpy as np
import pyreadstat
import pytest
import xport

from trialmill import build as door
from trialmill.build import build_study

from .conftest import STUDY


def digests(out):
    files = sorted(out.rglob("*.xpt"))
    return {str(p.relative_to(out)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.mark.parametrize("carrier", ["odm", "xlsx"])
def test_the_other_carriers_give_the_same_files(export, built, tmp_path, carrier):
    build_study(STUDY, export, tmp_path / "out", [], carrier=carrier)
    assert digests(tmp_path / "out") == digests(built)


def test_shuffled_records_two_threads_and_another_day_give_the_same_files(export, built, tmp_path, monkeypatch):
    raw = tmp_path / "raw"
    shutil.copytree(export, raw, ignore=shutil.ignore_patterns("*.xml", "by002.xlsx", "manifest.csv"))
    rng = random.Random(8)
    for file in [*raw.glob("edc/*.csv"), *raw.glob("lis/*.csv"), *raw.glob("pk/*.csv")]:
        encoding = "gb18030" if file.name.startswith("lab_") else "utf-8-sig"
        text = file.read_bytes().decode(encoding)
        if '"' in text:  # a quoted cell may hold a line end: such files stay as they are
            continue
        head, *rows = text.splitlines()
        rng.shuffle(rows)
        file.write_bytes("\r\n".join([head, *rows, ""]).encode(encoding))

    class OtherDay(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2031, 7, 14, tzinfo=tz)

    monkeypatch.setattr(door, "datetime", OtherDay)
    build_study(STUDY, raw, tmp_path / "out", [], jobs=2)
    assert "2031-07-14" in (tmp_path / "out" / "journal.jsonl").read_text(), "the clock is read where it is replaced"
    assert digests(tmp_path / "out") == digests(built)


def test_one_package_alone_gives_the_same_files(export, built, tmp_path):
    build_study(STUDY, export, tmp_path / "out", ["sdtm"])
    whole = {name: digest for name, digest in digests(built).items() if name.startswith("sdtm/")}
    assert digests(tmp_path / "out") == whole


def test_pyreadstat_and_xport_read_the_same_values_of_every_file(built):
    files = sorted(built.rglob("*.xpt"))
    assert files
    for path in files:
        theirs, described = pyreadstat.read_xport(path, disable_datetime_conversion=True)
        with path.open("rb") as file:
            reader = xport.Reader(file)
            names = list(reader.fields)
            rows = [list(row) for row in reader]
        assert names == described.column_names, path.name
        assert len(rows) == len(theirs) > 0, path.name
        for name, column in zip(names, zip(*rows, strict=True), strict=True):
            ours = theirs[name].tolist()
            if described.readstat_variable_types[name] == "string":
                assert [str(v) for v in column] == ours, f"{path.name} {name}"
            else:
                np.testing.assert_array_equal(np.array(column, float), np.array(ours, float), f"{path.name} {name}")
