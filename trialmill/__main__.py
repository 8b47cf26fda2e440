"""`python -m trialmill` is the command line."""

from trialmill.cli import main

main()
