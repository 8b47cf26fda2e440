"""The published schemas of Define-XML 2.1 with Analysis Results Metadata 1.0, as the package defineutils ships them.

Sources: Define-XML 2.1 and ARM 1.0 schemas (define2-1-0.xsd, arm1-0-0.xsd).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from lxml import etree

SCHEMA = "validate/schema/cdisc-arm-1.0/arm1-0-0.xsd"


@cache
def schema() -> etree.XMLSchema:
    """The schema, which allows results metadata and does without it; no network is used."""
    parser = etree.XMLParser(no_network=True, resolve_entities=False)
    return etree.XMLSchema(etree.parse(str(files("defineutils").joinpath(SCHEMA)), parser))


def schema_errors(root: etree._Element) -> list[tuple[int, str]]:
    """Line and message of everything that the schema does not allow."""
    made = schema()
    if made.validate(root.getroottree()):
        return []
    return [(error.line, error.message) for error in made.error_log]  # type: ignore[attr-defined]
