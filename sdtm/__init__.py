"""Raw to SDTM: identity, records, dates, terms, timing, findings, reference dates, SUPP--, data cut."""
