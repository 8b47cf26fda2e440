"""Made-up people in BY002's design: a few raw records in, datasets by BY002's own specs out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms

STUDY = Path(__file__).resolve().parents[2] / "specs" / "by002"


@pytest.fixture(scope="session")
def study():
    """BY002's specs, with the verbs of all rooms registered."""
    from engine.spec.study import load_study  # noqa: PLC0415

    return load_study(STUDY)


@pytest.fixture(scope="session")
def raw_tables(study):
    """A function: {form: [records]} to raw tables; what a record does not say is missing, other forms are empty."""
    from engine.run.identity import RawTable  # noqa: PLC0415

    def make(records):
        tables = {}
        sources = {f: (*study.raw.common, *study.forms.columns(f)) for f in study.forms.forms}
        sources |= {name: tuple(vendor.columns) for name, vendor in study.raw.vendors.items()}
        assert set(records) <= set(sources), "no such form"
        for name, columns in sources.items():
            rows = [
                _filled(name, r, i) if name in study.forms.forms else r for i, r in enumerate(records.get(name, ()))
            ]
            assert all(set(r) <= set(columns) for r in rows), f"{name}: no such item"
            frame = pd.DataFrame(rows, columns=list(columns), dtype="str")
            vendor = study.raw.vendors.get(name)
            subject = vendor.subject if vendor is not None else study.raw.roles.subject
            n = len(frame)
            tables[name] = RawTable(
                name, frame, (f"{name}.csv",), np.zeros(n, dtype=np.int64), np.arange(2, n + 2), subject or ""
            )
        return tables

    return make


@pytest.fixture(scope="session")
def derive(study, raw_tables):
    """A function: raw records and names of datasets to {name: records}, ~issues being all that was found.

    Only what these datasets need is derived. Missing values are ''.
    """
    from engine.run.assemble import assemble  # noqa: PLC0415
    from engine.run.build import start  # noqa: PLC0415
    from engine.run.execute import execute  # noqa: PLC0415
    from engine.run.plan import Plan  # noqa: PLC0415
    from engine.spec.catalogue import Catalogue  # noqa: PLC0415
    from trialmill.build import Tools  # noqa: PLC0415

    catalogue = Catalogue(study)
    plan = Plan(study.datasets)

    def make(records, *names, shuffle=None):
        tables = raw_tables(records)
        if shuffle is not None:
            for table in tables.values():
                order = np.random.default_rng(shuffle).permutation(len(table.frame))
                table.frame, table.line = table.frame.iloc[order].reset_index(drop=True), table.line[order]
        run, found = start(study, tables, Tools(study))
        run.issues.add(found)
        stopped = execute(run, plan, plan.order(plan.nodes_of(names)), catalogue.type_of)
        assert not stopped, [i.message for i in run.close_issues()]
        built = {
            b.info.name: b.frame.astype(object).where(b.frame.notna(), "")
            for name in names
            for b in assemble(run, catalogue, name)
        }
        return built | {"~issues": run.close_issues(), "~counts": run.counts}

    return make


def _filled(form, record, number):
    common = {
        "STUDY": "BY002", "SITE": "01", "VISITOID": "LOG", "VISITREP": "1", "FORMOID": form.upper(), "FORMREP": "1",
        "RECNO": str(number + 1), "RECSTAT": "ACTIVE", "ENTRYDTM": "2025-12-31T20:00:00Z",
    }  # fmt: skip
    return common | record
