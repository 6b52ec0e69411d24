"""How much words, vectors and titles count in the score of one text, for one question."""

import msgspec

from contextgraph.filekind import CODE, TESTS
from contextgraph.index import text
from contextgraph.query.lexical import Match, Words
from contextgraph.query.question import Question

SPOKEN, FLUENT, ORDER, BOTH = 0.55, 0.75, 0.8, 1.0
"""Cosine of the nearest commit from which the question is taken to speak the commits' own language, and from which it does
so fully; what BM25's order then counts, and the cosine of the farther one of subject and full text. People who ask in their
own words are misled by both, who quote are not."""
ORDER_ALONE = 3.0
"""Weight of BM25's order without vectors, times the square of the coverage of its first hit."""
SUBJECT, SUBJECT_ALONE = 0.6, 1.5
"""For a subject, or the title of a decision, all of whose words the question has: a long one that shares three is about
something else. As far as the question speaks the commits' language; without vectors, times the cube of the share of the order."""
TOUCHED = {CODE | TESTS: 0.05, 0: -0.1}
"""For a commit that changes code and its tests, and for one that changes neither, when the question speaks the commits' language."""
STEM = 5
"""Letters by which words of a subject and of the question are taken for the same."""
MERGE = -0.1
"""For a merge: it repeats the words of what it brings in."""


class Scale(msgspec.Struct, frozen=True):
    """How words and vectors weigh for one question. `floor` is the cosine of what is not among the nearest: at most the last's;
    `asked` holds the beginnings of the question's words.
    """

    order: float
    both: float
    words: float
    subject: float
    touched: float
    floor: float | None
    asked: frozenset[str]

    @classmethod
    def of(cls, question: Question, words: Words, cosines: dict[str, float]) -> "Scale":
        asked = frozenset(word[:STEM] for word in question.words)
        if not cosines:
            order = ORDER_ALONE * words.best**2 / (1 + ORDER_ALONE * words.best**2)
            subject = SUBJECT_ALONE * order**3
            return cls(order / (1 + subject), 0.0, (1 - order) / (1 + subject), subject / (1 + subject), 0.0, None, asked)
        nearest = max((cosine for key, cosine in cosines.items() if key.endswith(("/s", "/f"))), default=0.0)
        spoken = min(1.0, max(0.0, (nearest - SPOKEN) / (FLUENT - SPOKEN)))
        return cls(ORDER * spoken, BOTH * spoken, 1.0, SUBJECT * spoken, spoken, min(cosines.values()), asked)

    def parts(self, subject: str, match: Match | None, near: dict[str, float], whole: tuple[str, ...]) -> dict[str, float]:
        """The parts of one text. `near` has the cosines of its documents, `whole` names those that stand for all of it."""
        parts = {"words": self.words * match.coverage, "order": self.order * match.order} if match else {"words": 0.0, "order": 0.0}
        parts["subject"] = self.subject * self._share(subject)
        if self.floor is not None:
            cosines = [near.get(name, self.floor) for name in whole]
            parts["vectors"] = (max(cosines) + max([*cosines, *near.values()])) / 2
            parts["both"] = self.both * min(cosines)
        return parts

    def shape(self, merge: bool, touches: int | None) -> dict[str, float]:
        """The parts that a commit has for what it is, whatever the question says."""
        if merge:
            return {"merge": MERGE}
        return {"touched": self.touched * TOUCHED[touches]} if self.touched and touches in TOUCHED else {}

    def _share(self, subject: str) -> float:
        """The share of the subject's words that the question has."""
        found = [word[:STEM] in self.asked for word in text.terms(subject)]
        return sum(found) / len(found) if found else 0.0
