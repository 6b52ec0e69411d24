"""What became of a commit: landed, reverted, carried. A rule is a function over the graph of commits; nothing here prints.

`landing` says what the target branch reaches, `reverts` which commit undoes which and how much of it, `linking` which
commit became which; `ledger` puts them together into the status of a trace, with its evidence.
"""
