"""The rules of a check as a table: name -> what runs. Names, default levels and what each finds stand in config.CHECKS."""

from collections.abc import Callable, Iterator

from contextgraph.check import decided, guards, notes, rejected, removed, returning, reverted, undecided
from contextgraph.check.case import Case
from contextgraph.check.finding import Finding
from contextgraph.errors import GitError

Rule = Callable[[Case, list[Finding]], Iterator[Finding]]
"""A rule sees what those before it have found."""


def _plain(rule: Callable[[Case], Iterator[Finding]]) -> Rule:
    return lambda case, found: rule(case)


def _partly(case: Case, found: list[Finding]) -> Iterator[Finding]:
    told = {each.precedent.commit or "" for each in found if each.rule == "reintroduced"}
    return returning.check(case, told)


RULES: dict[str, Rule] = {
    "guard": _plain(guards.check),
    "reintroduced": _plain(reverted.exact),
    "undecided": _plain(undecided.check),
    "returning": _partly,
    "rejected": _plain(rejected.check),
    "removed": _plain(removed.check),
    "contradiction": _plain(decided.contradictions),
    "chain": _plain(decided.chains),
    "touched": _plain(notes.touched),
    "expired": _plain(notes.expired),
    "similar": _plain(notes.similar),
}


def run(case: Case) -> tuple[list[Finding], bool]:
    """Everything that the rules find, errors first and what is merely touched last, and whether a partial clone kept one from looking.

    A decision of which more was said is not also a note.
    """
    found: list[Finding] = []
    blind = False
    for rule in RULES.values():
        try:
            found += list(rule(case, found))
        except GitError as error:
            if "promisor" not in error.message:
                raise
            blind = True
    said = {(each.precedent.commit, each.precedent.decision) for each in found if each.level != "note"}
    kept = [each for each in found if each.level != "note" or (each.precedent.commit, each.precedent.decision) not in said]
    guarded = {(each.precedent.decision, each.path) for each in found if each.rule == "guard"}
    kept = [each for each in kept if each.rule != "rejected" or (each.precedent.decision, each.path) not in guarded]
    order = ("error", "warning", "note")
    known = {each.id: each for each in kept}.values()
    return sorted(known, key=lambda each: (order.index(each.level), each.rule == "touched")), blind
