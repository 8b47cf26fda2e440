"""SDTM to ADaM: subject level, BDS, time to event, concentrations and response."""
