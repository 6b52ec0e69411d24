"""Decisions mined from plain prose: two strict families of sentences, each kept verbatim and graded `mined`.

EVIDENCE for the families, by reading: "decided / opted for / went with … over" is right in 85 of 100, "instead of … because /
to avoid" in 75; "because", "don't" or "tried" alone in 13 to 31, so they are not mined. What is found here is derived from
the message each time it is read; it is never written to a note and never fails a check.
"""

import re
from collections.abc import Iterator

from contextgraph.capture import trailers
from contextgraph.commits import Commit
from contextgraph.event import decision_id
from contextgraph.trace import Decision

LONGEST = 16_000
"""Characters of a message that are looked at; what is longer was generated."""
SENTENCE = (30, 500)
"""Characters of a sentence that can be a decision: shorter says nothing, longer is a list or a log."""
MOST = 3
"""Mined decisions a commit: a message with more is an essay, and would flood a screen."""

_CHOSE = r"(?:decided|opted|chose|(?:went|gone|going|go) with|settled (?:on|for))"
_WHO = r"(?:^[\W_]*|\b(?:I|we)(?:'ve|'m|'re)?\s+(?:\w+\s+){0,2})"
_FAMILIES = (
    re.compile(rf"{_WHO}{_CHOSE}\b[^()]{{3,250}}?\b(?:over|rather than|instead of)\b", re.IGNORECASE),
    re.compile(r"\binstead of\b[^()]{3,250}?(?:(?<!not )\bbecause\b|(?<!\band )(?:\bin order )?\bto avoid\b)(?=\s+\S)", re.IGNORECASE),
)
_HINT = re.compile(rf"{_CHOSE}\b[^()]{{3,250}}?(?:over|rather than|instead of)\b|instead of\b[^()]{{3,250}}?(?:because|to avoid)\b")
"""Both families without the care for words and sentences: most messages end here, before they are cut into sentences."""
_DOUBT = re.compile(r"\b(?:arguably|tried to|imagine|sometimes|would prefer|we'd prefer)\b", re.IGNORECASE)
_BOT = re.compile(r"\[bot\]|\b(?:dependabot|renovate|greenkeeper|pre-commit-ci|pyup|weblate)\b", re.IGNORECASE)
_TRAILER = re.compile(r"[A-Za-z][A-Za-z-]*-[Bb]y: |[Cc]c: |Change-Id: |PR-URL: ")
_QUOTED = re.compile(r">|\||\s{4}|\t|\s*\* [0-9a-f]{7,40}\b|diff --git |[-+@]{2,3} ")
_GENERATED = re.compile(r"^(?:Squashed commit of the following:|updated-dependencies:|<details>|Signed-off-by: dependabot)", re.MULTILINE)
_SQUASHED = re.compile(r"\(#\d+\)\s*$")
_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[`*]*[A-Z0-9`])")


def own_words(commit: Commit) -> list[Decision]:
    """The decisions in a commit's message: its trailers, or else what its prose says. Declared beats mined."""
    declared = trailers.decisions(commit) if ":" in commit.message else []
    return declared or decisions(commit)


def decisions(commit: Commit) -> list[Decision]:
    """The mined decisions of a message, in its order; at most `MOST`. Ids survive a rewrite that keeps author and sentence."""
    lower = commit.message[:LONGEST].lower()
    if not _HINT.search(lower) or _BOT.search(commit.author):
        return []
    fitting = (each for each in sentences(commit) if any(family.search(each) for family in _FAMILIES) and not _DOUBT.search(each))
    found = dict.fromkeys(fitting)
    return [
        Decision(
            id=decision_id(commit.author, str(commit.author_time), "mined", " ".join(sentence.split())), source="mined", quote=sentence
        )
        for sentence in list(found)[:MOST]
    ]


def sentences(commit: Commit) -> Iterator[str]:
    """The sentences of the prose of a message, verbatim, without squash lists, quotations, code, trailers and bot blocks."""
    body = commit.body.replace("\r\n", "\n")[:LONGEST]
    if generated := _GENERATED.search(body):
        body = body[: generated.start()]
    squashed = _SQUASHED.search(commit.subject) is not None
    for paragraph in re.split(r"\n[ \t]*\n|\n(?=[ \t]*(?:[-*+]|\d+[.)])[ \t])", _without_fences(body)):
        if squashed and re.match(r"[ \t]*\* ", paragraph):
            continue  # an entry of the list that a host makes of the squashed subjects
        lines = [line for line in paragraph.split("\n") if not _TRAILER.match(line) and not _QUOTED.match(line)]
        for sentence in _END.split("\n".join(lines).strip()):
            if SENTENCE[0] <= len(sentence) <= SENTENCE[1]:
                yield sentence


def _without_fences(body: str) -> str:
    """The text outside ``` blocks."""
    return "\n\n".join(body.split("```")[::2])
