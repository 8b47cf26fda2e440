"""SDTM to ADaM: importing this package registers the verbs of analysis datasets."""
