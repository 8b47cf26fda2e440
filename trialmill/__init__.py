"""The front door: load a study, build it, check it; the command line."""
