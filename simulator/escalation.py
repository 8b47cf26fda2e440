"""What the rules of dose escalation say of the true counts at each level, and the maximum tolerated dose.

Sources: the study design, section 1.4.
"""

from __future__ import annotations

from typing import Any

FULL = 6  # evaluable participants that settle a level


def escalation(people: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts and decisions by dose level, and the MTD.

    Args:
        people: dose, evaluable, dlt and caution (a related event of grade 2 or more in the window) of every treated
            participant of the escalation, in order of inclusion.

    Returns:
        By level the counts, the decision, and in `steps` the decision after each evaluable participant.
    """
    levels = []
    lowest = min((p["dose"] for p in people), default=0)
    for dose in sorted({p["dose"] for p in people}):
        here = [p for p in people if p["dose"] == dose]
        counted = [p for p in here if p["evaluable"]]
        steps = []
        for n in range(1, len(counted) + 1):
            limited = sum(p["dlt"] for p in counted[:n])
            caution = any(p["caution"] for p in counted[:n])
            steps.append([n, limited, _decision(n, limited, caution, accelerated=dose == lowest)])
        n, limited, decision = steps[-1] if steps else (0, 0, "ENROL MORE")
        levels.append(
            {"dose": dose, "treated": len(here), "evaluable": n, "dlt": limited, "decision": decision, "steps": steps}
        )
    exceeded = [x["dose"] for x in levels if x["decision"] == "DE-ESCALATE"]
    settled = [x["dose"] for x in levels if x["evaluable"] == FULL and x["dlt"] <= 1]
    return {"levels": levels, "MTD": max(settled, default=None) if exceeded else None}


def _decision(n: int, dlt: int, caution: bool, accelerated: bool) -> str:
    if accelerated and n == 1:
        return "ESCALATE" if not dlt and not caution else "EXPAND TO 3"
    if 3 <= n <= 5 and dlt == 0:
        return "ESCALATE"
    if n == 3 and dlt == 1:
        return "EXPAND TO 6"
    if 2 <= n <= FULL and dlt >= 2:
        return "DE-ESCALATE"
    if n == FULL:
        return "ESCALATE"
    return "ENROL MORE"
