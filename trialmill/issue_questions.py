"""The question that an issue puts to the site, where the spec and the verb have none of their own.

It names the field by its prompt on the form and the value as it was entered. A record of a vendor file is a question
to who sent the file; what no raw record is behind is no question to anybody.
"""

from __future__ import annotations

from dataclasses import replace

from engine.run.issues import Issue
from engine.spec.study import Study

BLANK = "(blank)"


def with_question(issue: Issue, study: Study) -> Issue:
    """The issue with its question."""
    return issue if issue.question or issue.severity == "info" else replace(issue, question=question(issue, study))


def question(issue: Issue, study: Study) -> str:
    """A plain sentence by what is known: a blank field, a field with a value, only the record."""
    if not issue.form:
        return ""
    known = study.forms.forms if study.forms is not None else {}
    vendor = issue.form in study.raw.vendors
    lead = f"For the sender of {issue.source.partition(' line ')[0]}: please" if vendor else "Please"
    names = [_field(study, issue.form, name) for name, _ in issue.fields]
    if not names:
        form = known[issue.form].name if issue.form in known else issue.form
        record = "this record" if vendor else f"this record of the form {form}"
        return f"{lead} check {record} and correct it, or confirm that it is right."
    if all(value is None for _, value in issue.fields):
        return f"{lead} give {' and '.join(names)}, or confirm that it is not known."
    said = [f'{n} "{v}"' if v is not None else f"{n} {BLANK}" for n, (_, v) in zip(names, issue.fields, strict=True)]
    return f"{lead} check {', '.join(said)} and correct what is wrong, or confirm that it is right."


def form_label(study: Study, form: str) -> str:
    """A form as the site knows it: its name in the export and its title."""
    if study.forms is None or form not in study.forms.forms:
        return form
    return f"{study.forms.oid(form)} {study.forms.forms[form].name}"


def visit_label(study: Study, visit: str) -> str:
    """A visit's identifier and name."""
    name = study.forms.visits.get(visit, "") if study.forms is not None else ""
    return f"{visit} {name}" if name else visit


def field_label(study: Study, form: str, name: str) -> str:
    """A field's name in the export and its prompt on the form."""
    prompt = _prompt(study, form, name)
    return f"{name} {prompt}" if prompt else name


def _field(study: Study, form: str, name: str) -> str:
    prompt = _prompt(study, form, name)
    return f"{prompt} ({name})" if prompt else name


def _prompt(study: Study, form: str, name: str) -> str:
    known = study.forms.forms[form].items if study.forms is not None and form in study.forms.forms else {}
    if name in known:
        return known[name].prompt
    number = known.get(name.removesuffix("U"))
    return f"Unit of {number.prompt}" if number is not None and number.units and number.prompt else ""
