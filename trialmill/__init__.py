"""The front door: load a study, build it, check it; the command line. Importing it registers every verb."""

import adam  # noqa: F401
import engine.verbs  # noqa: F401
import sdtm  # noqa: F401
