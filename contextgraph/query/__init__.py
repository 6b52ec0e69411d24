"""Questions and their answers, as values: no terminal, no printing, no environment."""
