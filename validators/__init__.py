"""Checks on what was built: schemas from specs and standards, rules, invariants."""
