"""Raw records of made-up people in BY002's design; dates are given as the EDC writes them."""

from collections import defaultdict


class Person:
    """One participation: each method adds records of one form and returns the person."""

    def __init__(self, subject="01-901", person="X1", consent="01-MAR-2025"):
        self.subject, self.forms = subject, defaultdict(list)
        self.add("subj", "SCR", PERSONID=person, SCRNO=subject)
        self.add("demo", "SCR", BRTHDAT="UN-MAR-1960", SEX="F", ETHNICG="HAN", RACE="ASIAN")
        self.consent = consent
        if consent:
            self.add("ic", "SCR", ICDAT=consent, ICTYPE="MAIN", ICVER="V1")

    def add(self, form, oid="LOG", **items):
        number = str(len(self.forms[form]) + 1)
        self.forms[form].append({"SUBJECT": self.subject, "VISITOID": oid, "RECNO": number} | items)
        return self

    def enrolled(self, on="09-MAR-2025", dose="100"):
        return self.add("enr", "SCR", ENRYN="Y", ENRDAT=on, COHORT="ESC", DOSELVL=dose)

    def dosed(self, first="10-MAR-2025", last="01-JUN-2025", time="08:00"):
        """Enrolled the day before and dosed from `first` (with its time, as on a PK day) to `last`; '' is ongoing."""
        self.enrolled()
        ongoing = {"DONGO": "Y"} if not last else {"DENDAT": last, "DONGO": "N"}
        self.add("dose", DSTDAT=first, DTAKEN="Y", DOSE="100", N100="1", N50="0", DREAS="PLANNED", **ongoing)
        return self.add("pkd", "C1D1", PKDOSDAT=first, PKDOSTIM=time, FASTYN="Y") if time else self

    def off_treatment(self, on="03-JUN-2025", why="PD", last="01-JUN-2025"):
        return self.add("eot", "EOT", EOTDAT=on, LASTDOS=last, EOTREAS=why)

    def off_study(self, on, why):
        return self.add("eos", "EOS", EOSDAT=on, EOSREAS=why)

    def died(self, on="10-AUG-2025", entered="2025-08-11T20:00:00Z"):
        self.off_study(on, "DEATH")
        return self.add("dth", DTHDAT=on, DTHCAUS="DISEASE", AUTOP="N", ENTRYDTM=entered)

    def visit(self, oid, on, rep="1", done="Y", mode="SITE", **items):
        return self.add("visdt", oid, VISITREP=rep, VISDAT=on, VISYN=done, VISMODE=mode, **items)


def records(*people):
    """All forms of several people."""
    found = defaultdict(list)
    for person in people:
        for form, rows in person.forms.items():
            found[form] += rows
    return dict(found)
