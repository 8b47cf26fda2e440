"""Registers the verbs of all rooms: imported by every module here that reads a study's specs.

Commands that read none, such as a comparison of two files, do not wait for the rooms.
"""

import adam  # noqa: F401
import engine.verbs  # noqa: F401
import sdtm  # noqa: F401
