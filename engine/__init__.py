"""The engine: what a study says (spec), how it is carried out (run), what the standards say (standards).

Imports no other room; the front door hands it readers, writers, checks and verbs.
"""
