"""`python -m gate.cli` is `chaos-gate`."""

from gate.cli import main

main()
