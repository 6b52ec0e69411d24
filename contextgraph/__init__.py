"""contextgraph keeps the reasons behind commits inside Git, and gives them back."""

__version__ = "0.1.0"
