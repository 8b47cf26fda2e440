"""ADAE, ADEX, ADDLT, ADCM and ADMH of the built study worked out again from the raw forms, day by day, in plain Python."""

import calendar
import re
from collections import defaultdict
from datetime import date, timedelta

import pandas as pd
import pytest

CUT = date(2026, 3, 31)
MONTHS = {name.upper(): i for i, name in enumerate(calendar.month_abbr) if name}
DAY = timedelta(days=1)
STRONG = {"VORICONAZOLE", "POSACONAZOLE", "ITRACONAZOLE", "KETOCONAZOLE", "CLARITHROMYCIN", "RITONAVIR", "COBICISTAT"}
SPECIAL = {
    "DS": {"Differentiation syndrome"},
    "QT": {"Electrocardiogram QT prolonged", "Torsade de pointes", "Ventricular tachycardia", "Sudden death"},
    "TLS": {"Tumour lysis syndrome"},
}


def known(text):
    """Year, month and day of a raw date as far as they are known."""
    day, month, year = text.split("-") if text.count("-") == 2 else ("UN", "UNK", "UNKN")
    return (
        int(year) if year.isdigit() else None,
        MONTHS.get(month),
        int(day) if day.isdigit() else None,
    )


def bounds(text):
    """First and last day that a raw date may mean, and the flag of its imputation; None, None, Y when unknown."""
    year, month, day = known(text)
    if year is None:
        return None, None, "Y"
    if month is None:
        return date(year, 1, 1), date(year, 12, 31), "M"
    if day is None:
        return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]), "D"
    return date(year, month, day), date(year, month, day), ""


def sas(number):
    return None if pd.isna(number) else date(1960, 1, 1) + timedelta(days=int(number))


def once(frame, *but):
    """Records without exact repeats."""
    columns = [c for c in frame if c not in ("RECNO", "ENTRYDTM", "FORMREP", *but)]
    return frame.drop_duplicates(columns)


@pytest.fixture(scope="module")
def subjects(dataset):
    """ADSL of treated subjects by USUBJID, dates as dates."""
    frame = dataset("ADSL").query("SAFFL == 'Y'").set_index("USUBJID")
    for name in ("TRTSDT", "TRTEDT", "NALTDT", "DTHDT", "EOSDT", "LSTALVDT"):
        frame[name] = pd.Series([sas(v) for v in frame[name]], index=frame.index, dtype=object)
    return frame


def treated(frame, subjects):
    return frame[frame["USUBJID"].isin(subjects.index)]


# -- adverse events


def start_of(begin, end, first):
    """Section 4.2 of the study design: analysis start and its flag."""
    low, high, flag = bounds(begin)
    if flag == "":
        return low, ""
    over = end is not None and end < first
    if low is None:
        return (None, "") if over else (first, "Y")
    return (first if low <= first <= high and not over else low), flag


def end_of(text, person):
    low, high, flag = bounds(text)
    if low is None:
        return None, ""
    return (high if flag == "" else min(d for d in (high, person.DTHDT, CUT) if d)), flag


@pytest.fixture(scope="module")
def events(form, subjects, dataset):
    """What every adverse event of a treated subject should be, by USUBJID and AENO."""
    first_dose = dataset("DM").set_index("USUBJID")["RFXSTDTC"]
    found = {}
    for row in once(treated(form("ae"), subjects)).itertuples():
        person = subjects.loc[row.USUBJID]
        low, _, _ = bounds(row.AESTDAT)
        if low is not None and low > CUT:
            continue
        end, end_flag = end_of(row.AEENDAT, person)
        start, start_flag = start_of(row.AESTDAT, end, person.TRTSDT)
        emergent = on = False
        if start is not None and start >= person.TRTSDT:
            clock = first_dose[row.USUBJID][11:]
            whole = bounds(row.AESTDAT)[2] == ""
            earlier = start == person.TRTSDT and whole and re.fullmatch(r"\d\d:\d\d", row.AESTTIM) and clock and clock > row.AESTTIM
            last = min(d for d in (person.TRTEDT + 30 * DAY, person.NALTDT and person.NALTDT - DAY) if d)
            emergent, on = not earlier and start <= last, not earlier and start <= person.TRTEDT
        boxes = row.AEACN.split(";")
        found[row.USUBJID, row.AENO] = {
            "ASTDT": start, "ASTDTF": start_flag, "AENDT": end, "AENDTF": end_flag,
            "TRTEMFL": "Y" if emergent else "", "ONTRTFL": "Y" if on else "",
            "AREL": "RELATED" if row.AEREL in ("DEF", "PROB", "POSS", "") else "NOT RELATED",
            "ATOXGRN": float(row.AETOXGR) if row.AETOXGR else None,
            "AESICAT": "" if row.AEAESI in ("N", "") else row.AEAESI, "AESIFL": "" if row.AEAESI in ("N", "") else "Y",
            "DLTFL": "Y" if row.AEDLT == "Y" else "",
            "DLTWNFL": "Y" if start and person.TRTSDT <= start <= person.TRTSDT + 27 * DAY else "",
            "ACNREDFL": "Y" if "RED" in boxes else "", "ACNINTFL": "Y" if "INT" in boxes else "",
            "ACNWDFL": "Y" if "WD" in boxes else "",
        }  # fmt: skip
    return found


def shown(name, value):
    if name.endswith("DT"):
        return sas(value)
    return None if isinstance(value, float) and pd.isna(value) else value


def test_every_variable_of_every_adverse_event(events, dataset):
    built = {(r["USUBJID"], r["AESPID"]): r for r in dataset("ADAE").to_dict("records")}
    assert set(built) == set(events)
    differ = [
        (key, name, shown(name, built[key][name]), value)
        for key, row in events.items()
        for name, value in row.items()
        if shown(name, built[key][name]) != value
    ]
    assert differ == []
    for name in ("ASTDTF", "AENDTF", "TRTEMFL", "AESICAT", "DLTFL", "ACNREDFL", "ACNINTFL", "ACNWDFL"):
        assert len({row[name] for row in events.values()}) > 1, f"the scenario tells the values of {name} apart"


def test_occurrence_flags(events, dataset):
    """Each flag found by going through the events one by one."""
    adae = dataset("ADAE")
    groups = {"": lambda r: r.USUBJID, "S": lambda r: (r.USUBJID, r.AEBODSYS), "P": lambda r: (r.USUBJID, r.AEDECOD)}
    for letter, of in groups.items():
        first, worst = {}, {}
        for row in adae.itertuples():
            event = events[row.USUBJID, row.AESPID]
            if event["TRTEMFL"] != "Y":
                continue
            place = (event["ASTDT"], row.AESEQ)
            first[of(row)] = min(first.get(of(row), place), place)
            if event["ATOXGRN"] is not None:
                worse = (-event["ATOXGRN"], *place)
                worst[of(row)] = min(worst.get(of(row), worse), worse)
        for name, chosen in ((f"AOCC{letter}FL", first), (f"AOCC{letter}IFL", worst)):
            flagged = adae[adae[name] == "Y"]
            assert sorted((of(r), r.AESEQ) for r in flagged.itertuples()) == sorted((k, v[-1]) for k, v in chosen.items()), name


def test_marked_events_of_special_interest_are_on_the_list(events, dataset, built):
    adae = dataset("ADAE")
    wrong = [r for r in adae.itertuples() if any((r.AEDECOD in terms) != (c == r.AESICAT) for c, terms in SPECIAL.items())]
    told = (built / "issues.json").read_text(encoding="utf-8").count("of special interest")
    assert len(wrong) == told


def test_dose_limiting_toxicities_are_the_true_ones(people, dataset):
    true = {(who, e["AENO"]) for who, p in people.items() if p.fate == "TREATED" for e in p.events if e["dlt"]}
    adae = dataset("ADAE")
    assert {(r.USUBJID, r.AESPID) for r in adae[adae["DLTFL"] == "Y"].itertuples()} == true
    assert (adae.loc[adae["DLTFL"] == "Y", "DLTWNFL"] == "Y").all() and len(true) == 3


# -- exposure


@pytest.fixture(scope="module")
def days(form, subjects):
    """By subject: mg of each day on which a dose was taken, and the days missed with their reasons."""
    taken, missed = defaultdict(dict), defaultdict(dict)
    for row in once(treated(form("dose"), subjects)).itertuples():
        person = subjects.loc[row.USUBJID]
        start, end = bounds(row.DSTDAT)[0], bounds(row.DENDAT)[0] or person.TRTEDT
        if start > CUT:
            continue
        day = start
        while day <= min(end, CUT):
            if row.DTAKEN == "Y":
                assert day not in taken[row.USUBJID]
                taken[row.USUBJID][day] = (float(row.DOSE), row.DREAS)
            else:
                missed[row.USUBJID][day] = row.DREAS
            day += DAY
    return taken, missed


@pytest.fixture(scope="module")
def inhibited(form, subjects, export):
    """By subject: days of treatment on which a strong inhibitor was taken or had been in the last 5 days; and the records."""
    coding = pd.read_csv(export / "coding" / "whodrug.csv", dtype=str, keep_default_na=False).set_index("VERBATIM")["DECOD"]
    english = pd.read_csv(export / "translations.csv", dtype=str, keep_default_na=False).set_index("zh")["en"]
    found, records = defaultdict(set), {}
    for row in once(treated(form("cm"), subjects)).itertuples():
        drug = row.CMTRT or english[row.CMTRTZH]
        if coding.get(drug) not in STRONG:
            continue
        person = subjects.loc[row.USUBJID]
        start, end = bounds(row.CMSTDAT)[0] or date.min, bounds(row.CMENDAT)[1] or date.max - 9 * DAY
        day = person.TRTSDT
        while day <= person.TRTEDT:
            if start <= day <= end + 5 * DAY:
                found[row.USUBJID].add(day)
            day += DAY
        records[row.USUBJID, drug] = start <= person.TRTEDT + 5 * DAY and end >= person.TRTSDT
    return found, records


def cycles(visits, person):
    """First days of the cycles: the visit's, else 28 days after the cycle before."""
    starts = {}
    for number, (done, text) in sorted(visits.items()):
        starts[number] = bounds(text)[0] if done == "Y" else starts[number - 1] + 28 * DAY
    return [starts[n] for n in sorted(starts) if starts[n] <= CUT and starts[n] <= person.TRTEDT]


def spells(days):
    """Runs of days without a day between."""
    runs = []
    for day in sorted(days):
        if runs and runs[-1][-1] + DAY == day:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def changes(taken, reason):
    """Runs of dosing days with one reason, days without a dose not counting as a break."""
    found, before = [], None
    for day in sorted(taken):
        if taken[day][1] == reason and before != reason:
            found.append(day)
        before = taken[day][1]
    return found


def test_every_parameter_of_exposure(days, inhibited, subjects, dataset, form):
    taken, missed = days
    visits = defaultdict(dict)
    for row in once(treated(form("visdt"), subjects)).itertuples():
        match = re.fullmatch(r"C(\d+)D1", row.VISITOID)
        if match:
            visits[row.USUBJID][int(match[1])] = (row.VISYN, row.VISDAT)
    built = {(r.USUBJID, r.PARAMCD): r.AVAL for r in dataset("ADEX").itertuples()}
    expected = {}
    for who, person in subjects.iterrows():
        got, assigned = taken[who], person.DOSE01P
        window = [person.TRTSDT + i * DAY for i in range((person.TRTEDT - person.TRTSDT).days + 1)]
        total = sum(mg for day, (mg, _) in got.items() if day in set(window))
        planned = sum(assigned / 2 if day in inhibited[0][who] else assigned for day in window)
        starts = cycles(visits[who], person)
        ends = [*(s - DAY for s in starts[1:]), person.TRTEDT]
        lowest, reductions = assigned, 0
        for day in changes(got, "AE"):
            if got[day][0] < lowest:
                lowest, reductions = got[day][0], reductions + 1
        first28 = sum(person.TRTSDT <= d <= person.TRTSDT + 27 * DAY for d in got)
        values = {
            "TRTDUR": len(window), "NDOSDY": sum(mg > 0 for mg, _ in got.values()), "TDOSE": total, "TPDOSE": planned,
            "DOSINT": total / len(window), "RDI": 100 * total / planned,
            "NCYC": sum(any(s <= d <= e for d in got) for s, e in zip(starts, ends, strict=True)),
            "NREDAE": reductions, "NINT": sum("AE" in {missed[who][d] for d in run} for run in spells(missed[who])),
            "NCYPADJ": len(changes(got, "CYP3A4")), "DOSEC1": first28, "DOSC1PC": 100 * first28 / 28,
        }  # fmt: skip
        expected |= {(who, code): value for code, value in values.items()}
    assert set(built) == set(expected)
    differ = [(k, built[k], v) for k, v in expected.items() if built[k] != pytest.approx(v, rel=1e-13, abs=0)]
    assert differ == []
    for code in ("NREDAE", "NINT", "NCYPADJ"):
        assert {v for (_, c), v in built.items() if c == code} > {0}, f"the scenario has subjects with {code}"
    assert any(built[who, "TPDOSE"] < built[who, "TRTDUR"] * p.DOSE01P for who, p in subjects.iterrows())


def test_doses_are_the_true_ones(people, dataset):
    built = {(r.USUBJID, r.PARAMCD): r.AVAL for r in dataset("ADEX").itertuples()}
    for who, person in people.items():
        if person.fate == "TREATED":
            for code in ("TDOSE", "NDOSDY", "TPDOSE", "DOSEC1"):
                assert built[who, code] == getattr(person, code), (who, code)


# -- dose-limiting toxicity


def yes_no(flag):
    return ("Y", 1) if flag else ("N", 0)


def test_every_record_of_dose_limiting_toxicity(events, days, subjects, dataset):
    expected = {}
    for who, person in subjects[subjects["PART"] == "ESCALATION"].iterrows():
        end = person.TRTSDT + 27 * DAY
        inside = [e for (u, _), e in events.items() if u == who and e["DLTWNFL"] == "Y"]
        toxic = sorted(e["ASTDT"] for e in inside if e["DLTFL"] == "Y")
        caution = sorted(e["ASTDT"] for e in inside if e["AREL"] == "RELATED" and (e["ATOXGRN"] or 0) >= 2)
        doses = sum(person.TRTSDT <= d <= end for d in days[0][who])
        followed = end <= person.LSTALVDT and (person.EOSDT is None or end <= person.EOSDT)
        evaluable = bool(toxic) or (doses >= 21 and followed)
        expected |= {
            (who, "DLTEVAL"): (*yes_no(evaluable), (toxic[0] if toxic else end) if evaluable else None),
            (who, "DLT"): (*yes_no(toxic), toxic[0] if toxic else None),
            (who, "NDLT"): ("", len(toxic), None),
            (who, "RELG2"): (*yes_no(caution), caution[0] if caution else None),
            (who, "ADHER"): ("", doses, None),
            (who, "WINCOMP"): (*yes_no(followed), end),
        }
    built = {(r.USUBJID, r.PARAMCD): (r.AVALC, r.AVAL, sas(r.ADT)) for r in dataset("ADDLT").itertuples()}
    assert set(built) == set(expected) and len(built) == 17 * 6
    assert [(k, built[k], v) for k, v in expected.items() if built[k] != v] == []


def test_who_is_evaluable_and_limited_is_as_it_is_true(people, dataset):
    said = {(r.USUBJID, r.PARAMCD): r.AVALC for r in dataset("ADDLT").itertuples()}
    escalation = {w: p for w, p in people.items() if p.fate == "TREATED" and p.ARMCD.startswith("ESC")}
    assert {w for w, _ in said} == set(escalation)
    for who, person in escalation.items():
        assert (said[who, "DLTEVAL"], said[who, "DLT"]) == (person.DLTEVFL, person.DLTFL)
    hidden = {w for w, p in escalation.items() if any({"AESTDAT", "AETOXGR", "AEREL"} & set(e.get("hidden", {})) for e in p.events)}
    assert all(said[w, "RELG2"] == ("Y" if p.caution else "N") for w, p in escalation.items() if w not in hidden)


# -- medications and history


def test_medications(form, subjects, dataset, inhibited):
    adcm = dataset("ADCM")
    prior = once(treated(form("ptx"), subjects), "SUBJECT", "VISITREP")
    lines = sorted((r.USUBJID, float(r.PTLINE)) for r in prior.itertuples())
    flagged = adcm[adcm["PRIORFL"] == "Y"]
    assert sorted(zip(flagged["USUBJID"], flagged["PRLINE"], strict=True)) == lines and len(lines) > 24
    strong = adcm[adcm["CYP3AFL"] == "Y"]
    assert sorted(zip(strong["USUBJID"], strong["CMTRT"].str.upper(), strict=True)) == sorted(
        (who, drug.upper()) for (who, drug), taken in inhibited[1].items() if taken
    )
    for row in adcm.itertuples():
        person = subjects.loc[row.USUBJID]
        start, end = sas(row.ASTDT), sas(row.AENDT)
        before = (start and start < person.TRTSDT) or (end and end < person.TRTSDT) or row.CMSTRTPT == "BEFORE" or row.PRIORFL == "Y"
        on = row.PRIORFL != "Y" and (not start or start <= person.TRTEDT) and (not end or end >= person.TRTSDT)
        assert ("Y" if before else "", "Y" if on else "") == (row.PREFL, row.ONTRTFL), (row.USUBJID, row.CMSEQ)


@pytest.mark.parametrize(("name", "variable"), [("ADCM", "CM"), ("ADMH", "MH")])
def test_dates_of_medications_and_history(name, variable, subjects, dataset):
    """The first day that a start may mean and the last that an end may, without regard to the first dose."""
    frame, source = dataset(name), dataset(variable)
    assert len(frame) == len(treated(source, subjects))
    flags = set()
    for row in frame.to_dict("records"):
        person = subjects.loc[row["USUBJID"]]
        low, _, flag = bounds(raw_spelling(row[f"{variable}STDTC"]))
        assert (sas(row["ASTDT"]), row["ASTDTF"]) == (low, flag if low else "")
        end, end_flag = end_of(raw_spelling(row[f"{variable}ENDTC"]), person)
        assert (sas(row["AENDT"]), row["AENDTF"]) == (end, end_flag)
        flags |= {row["ASTDTF"]}
    assert flags >= {"D", "M"}


def raw_spelling(iso):
    year, month, day = (*iso[:10].split("-"), "", "")[:3]
    names = {str(i).zfill(2): name for name, i in MONTHS.items()}
    return f"{day or 'UN'}-{names.get(month, 'UNK')}-{year}" if year else ""
