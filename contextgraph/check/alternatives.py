"""Rejected alternatives as words: what sets each apart from what was chosen, and how much each word tells here."""

import math
import re
from collections.abc import Iterator

import msgspec

from contextgraph.check.bound import Bound
from contextgraph.check.case import Case
from contextgraph.check.wording import IGNORED, NAMES, names, parts, stem

SCORE = 0.66
"""Share of the weight of an alternative's own words that must be in one window."""


class Alternative(msgspec.Struct, frozen=True):
    """`words` maps the parts of an alternative that set it apart from what was chosen to their weight, 0 to 1."""

    bound: Bound
    option: str
    reason: str
    words: dict[str, float]


def find(case: Case, seen: set[str]) -> Iterator[Alternative]:
    """The rejected alternatives in force of whose own words enough are in the added code, each word with its weight."""
    weights: dict[str, float] = {}
    for bound in case.precedents.in_force:
        for each in bound.decision.rejected:
            if seen.isdisjoint(_words(each.option)):
                continue  # most of them: what was chosen need not be looked at
            own = _own(each.option, bound.decision.choice)
            if len(own & seen) < SCORE / 2 * len(own) or not own or case.cites(bound):
                continue
            for word in own - weights.keys():
                weights[word] = _weight(case, word)
            asked = parts(bound.decision.context)
            words = {word: weights[word] * (0.5 if word in asked else 1.0) for word in own}
            alternative = Alternative(bound, each.option, each.reason or "", words)
            if enough(alternative, seen):
                yield alternative


def enough(alternative: Alternative, seen: set[str]) -> bool:
    """Whether these words hold enough of the alternative's."""
    return sum(weight for word, weight in alternative.words.items() if word in seen) >= SCORE * sum(alternative.words.values())


def _own(option: str, choice: str) -> set[str]:
    """What sets an alternative apart from the choice: its words, a name of several parts as a whole when it is written as one."""
    return _words(option) - names(choice)


def _words(option: str) -> set[str]:
    found = (stem(name.replace("_", "").lower()) for name in NAMES.findall(re.sub(r"\.(?:js|py|rs|io)\b", "", option)))
    return {word for word in found if word not in IGNORED and len(word) > 1}


def _weight(case: Case, word: str) -> float:
    """How rare a word is in the messages of this repository: 1 for one never used. Small histories count as a thousand commits more."""
    connection = case.database.connection
    row = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT 5000)", (f'subject: "{word}" OR body: "{word}"',)
    )
    frequency = int(row.fetchone()[0])
    total = int(connection.execute("SELECT max(id) FROM commits").fetchone()[0] or 0) + 1000
    return math.log(total / (frequency + 1)) / math.log(total)


def stands_for(option: str, word: str) -> bool:
    """Whether a single matching word stands for the alternative: it has hardly another, or this one is written as a name."""
    found = [(position, each) for position, each in enumerate(NAMES.findall(option)) if stem(each.lower()) not in IGNORED]
    written = any(
        re.search(r"[A-Z]" if position else r".[A-Z_]", each) for position, each in found if stem(each.replace("_", "").lower()) == word
    )
    return len(found) <= 2 or written
