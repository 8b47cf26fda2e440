"""The reference export simulated once a session, its truth, and its tables as plain text."""

import json
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from edc.export import read_export
from simulator.design import load_design
from trialmill.simulate import simulate_study

STUDY = Path(__file__).resolve().parents[2] / "specs" / "by002"


@pytest.fixture(scope="session")
def design():
    """What the simulator reads of the study."""
    return load_design(STUDY)


@pytest.fixture(scope="session")
def export(tmp_path_factory):
    """The folder of the reference export, with the usual mess."""
    out = tmp_path_factory.mktemp("simulated") / "raw"
    simulate_study(STUDY, out)
    return out


@pytest.fixture(scope="session")
def truth(export):
    """truth.json of the reference export."""
    return json.loads((export / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def treated(truth):
    """What is true of each treated person, by USUBJID."""
    return {p["USUBJID"]: p for p in truth["people"] if p["fate"] == "TREATED"}


@pytest.fixture(scope="session")
def read(design):
    """A function: folder of an export and name of a table to its active records as text, with USUBJID and dates.

    Exact repeats of a form's record are dropped; a complete date of a form stands in `<FIELD>_` as a date.
    """

    @cache
    def tables(folder):
        return {n: t.frame for n, t in read_export(design.raw, design.forms, folder, "csv").tables.items()}

    @cache
    def table(folder, name):
        frame = tables(folder)[name].copy()
        if name in design.forms.forms:
            content = [c for c in frame if c not in ("RECNO", "FORMREP", "ENTRYDTM")]
            frame = frame.drop_duplicates(content).reset_index(drop=True)
            for column, item in design.forms.forms[name].items.items():
                if item.type == "date":
                    frame[column + "_"] = pd.to_datetime(frame[column], format="%d-%b-%Y", errors="coerce")
        subj = tables(folder)["subj"]
        first = subj.sort_values("SUBJECT").groupby("PERSONID")["SUBJECT"].first()
        who = dict(zip(subj["SUBJECT"], "BY002-" + subj["PERSONID"].map(first), strict=True))
        if "SUBJECT" in frame:
            frame["USUBJID"] = frame["SUBJECT"].map(who)
        return frame

    return lambda folder, name: table(folder, name).copy()


@pytest.fixture(scope="session")
def raw(read, export):
    """A function: name of a table of the reference export to its records, as `read` gives them."""
    return lambda name: read(export, name)
