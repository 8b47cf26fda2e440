"""What a report of CDISC CORE says of itself, in one line for people."""

from __future__ import annotations

from validators.core import CoreReport


def summary(report: CoreReport) -> str:
    """One line: rules by how they ended, findings by whether they are explained."""
    ended = report.counts()
    words = ", ".join(f"{n:,} {word}" for word, n in ended.items() if word != "rules")
    found = {True: 0, False: 0}
    for group in report.groups:
        if not group.not_run:
            found[bool(group.reason)] += group.count
    open_rules = len({g.rule for g in report.groups if g.not_run and not g.reason})
    told = f"{found[True]:,} findings explained, {found[False]:,} not explained"
    told += f", {open_rules} rules not run and not explained" if open_rules else ""
    return f"CORE: {ended['rules']} rules: {words}; {told}"
