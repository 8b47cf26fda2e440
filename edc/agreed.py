"""What the records of a source must agree to: one value in a column, known codes, one identity a record.

Each check gives problems of the file; whoever reads it cannot mend the data, so each says what to ask for.
"""

from __future__ import annotations

import numpy as np

from engine.errors import Place, Problem
from engine.run.identity import RawTable

SHOWN = 20  # records told one by one; the others are counted


def one_value(table: RawTable, names: tuple[str, ...]) -> list[Problem]:
    """Columns that must hold one value in all records, such as the version of a dictionary, and do not."""
    found = []
    for name in names:
        values = table.frame[name]
        if values.nunique(dropna=False) > 1:
            row = int(np.flatnonzero((values != values.iloc[0]).to_numpy(dtype=bool))[0])
            told = ", ".join(str(v) for v in values.drop_duplicates().iloc[:5])
            message = f"{table.name}: {name} is not the same in all records"
            do = "ask for files of one version"
            found.append(Problem(message, place_of(table, row), told, f"one {name} in all records", do=do))
    return found


def known_codes(table: RawTable, codes: dict[str, tuple[str, ...]]) -> list[Problem]:
    """Columns with a code that the transfer agreement does not know: it must not pass for the usual one."""
    found = []
    for name, known in codes.items():
        values = table.frame[name].fillna("")
        wrong = np.flatnonzero(~values.isin(known).to_numpy(dtype=bool))
        if len(wrong):
            told = ", ".join(f'"{v}"' for v in values.iloc[wrong].drop_duplicates().iloc[:5])
            many = f"{len(wrong):,} record{'s' * (len(wrong) > 1)}"
            message = f"{table.name}: {name} holds what is no code of it in {many}"
            do = "ask for a corrected file, or add the code to codes: of the column"
            found.append(Problem(message, place_of(table, int(wrong[0])), told, ", ".join(known), do=do))
    return found


def doubled(table: RawTable, names: list[str]) -> list[Problem]:
    """Records that have the identity of an earlier one."""
    if not names:
        return []
    rows = np.flatnonzero(table.frame.duplicated(names, keep="first") & table.frame[names].notna().all(axis=1))
    do = "ask for a corrected export"
    found = [
        Problem(
            f"{table.name}: two records have one identity",
            place_of(table, int(row)),
            found=", ".join(f"{n} {table.frame[n].iloc[row]}" for n in names),
            do=do,
        )
        for row in rows[:SHOWN]
    ]
    if len(rows) > SHOWN:
        more = f"{table.name}: {len(rows) - SHOWN:,} more records have the identity of an earlier one"
        found.append(Problem(more, place_of(table, int(rows[SHOWN])), do=do))
    return found


def place_of(table: RawTable, row: int) -> Place:
    """File and line of a record."""
    return Place(table.files[table.file_of[row]], int(table.line[row]))
