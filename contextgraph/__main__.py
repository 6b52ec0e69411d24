"""`python -m contextgraph` is `cg`."""

from contextgraph.cli import main

main()
