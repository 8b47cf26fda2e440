"""Dictionaries outside of a study that its values are coded with, such as MedDRA, and where their versions stand.

    dictionaries:
      MedDRA:   {table: meddra, column: VERSION}          # what is looked up there; the version is in the export
      ISO 3166: {variables: [COUNTRY], version: "2020"}

Sources: Define-XML 2.1 section 5.3.12 (ExternalCodeList).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import pandas as pd
from pydantic import Field

from engine.errors import Problem, nearest
from engine.spec.binding import LISTED, Model

if TYPE_CHECKING:
    from engine.spec.study import Study


class DictionarySpec(Model):
    """A dictionary by the name that Define-XML terminology gives it: what is coded with it, and its version."""

    table: str = Field("", description="Source or table in which coded values are looked up")
    column: str = Field("", description="Column of that source that holds the version")
    version: str = Field("", description="The version, where no column holds it")
    variables: Annotated[list[str], LISTED] = Field([], description="Variables that are coded with it besides those")


def dictionary_problems(study: Study) -> Iterator[Problem]:
    """Dictionaries of study.yaml whose source or column is not there, and those that nothing is coded with."""
    for name, each in study.file.dictionaries.items():
        place = study.document.key_place("dictionaries", name)
        sources = [*study.raw.vendors, *study.tables]
        vendor = study.raw.vendors.get(each.table)
        columns = tuple(vendor.columns) if vendor is not None else study.table_columns(each.table)
        if not each.table and not each.variables:
            yield Problem(
                f"dictionary {name}: nothing is coded with it", place, do="add  table: …  or  variables: [ … ]"
            )
        elif each.table and each.table not in sources:
            near = nearest(each.table, sources)
            yield Problem(f'dictionary {name}: no source "{each.table}"', place, nearest=near)
        elif each.column and columns and each.column not in columns:
            near = nearest(each.column, columns)
            yield Problem(f'dictionary {name}: {each.table} has no column "{each.column}"', place, nearest=near)
        elif bool(each.column) == bool(each.version):
            yield Problem(
                f"dictionary {name}: its version stands {'twice' if each.column else 'nowhere'}",
                place,
                do="say either the column of the source that holds it or  version: …",
            )


def dictionary_versions(study: Study, frames: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Versions of the dictionaries whose version stands in a source; several that it holds are joined."""
    found = {}
    for name, each in study.file.dictionaries.items():
        if each.column and each.table in frames:
            values = frames[each.table][each.column].dropna().unique()
            found[name] = ", ".join(sorted(map(str, values)))
    return found
