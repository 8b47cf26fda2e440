"""Every kind of check that a rule may use, by the word that it starts with."""

from __future__ import annotations

from validators.checks import Check, Each, NoOverlap, Pairs, Per, Same, Totals
from validators.holdings import Datasets, Described, Related, Shared, Variables

CHECKS: dict[str, type[Check]] = {
    c.reads: c for c in (Each, Per, Pairs, Same, Totals, NoOverlap, Variables, Datasets, Shared, Described, Related)
}
