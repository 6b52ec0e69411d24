"""A question as it is asked: its words, and what in it names a thing exactly."""

import re

import msgspec

from contextgraph.index import text

_SHA = re.compile(r"(?<![\w-])(?=[0-9a-f]*[0-9])[0-9a-f]{7,64}\b")
_NUMBER = re.compile(r"(?:(?<!\w)[#!]|\b(?:gh-|pr |issue |pull request |merge request ))#?(\d+)\b", re.IGNORECASE)
_DECISION = re.compile(r"\bcg-[0-9a-f]{12}\b")
_PATH = re.compile(r"[\w.@+-]*/[\w.@+/-]*|[\w@+-][\w.@+-]*\.[A-Za-z]\w{0,7}")
_IDENTIFIER = re.compile(r"(?<![\w])[A-Za-z]\w*(?:(?:_+|::|\.|->|-)\w+)+\b|(?<!\w)--?[a-z][\w-]+")
_UNDONE = re.compile(
    r"\b(?:revert\w*|und(?:o|id|oes|oing|one)\b|roll(?:s|ed|ing)?[ -]?back|back(?:s|ed|ing)? (?:(?:it|this|that) )?out"
    r"|t(?:ake|ook|aken|aking) (?:(?:it|this|that) )?(?:back|out)\b|withdr[ae]wn?|withdrew|abandon\w*"
    r"|(?:dropp?ed|removed|gone) (?:again|afterwards|later)|(?:go|goes|went|gone|going) back\b|(?:give|gave|given|giving) up\b"
    r"|chang(?:e|ed|ing) (?:our|their|his|her|my|your) minds?\b)",
    re.IGNORECASE,
)


class Question(msgspec.Struct, frozen=True):
    """`words` are looked for one by one, `phrases` (identifiers, each its parts in a row) beside them; the rest is exact.

    `undone` tells that the question is about something that was taken back: then what took it back is the answer.
    """

    text: str
    words: tuple[str, ...]
    phrases: tuple[str, ...]
    shas: tuple[str, ...]
    numbers: tuple[str, ...]
    decisions: tuple[str, ...]
    paths: tuple[str, ...]
    undone: bool


def read(asked: str) -> Question:
    """The parts of a question. Whatever looks like a sha, a number or a path is a word as well: it may be in a message."""
    identifiers = [" ".join(re.findall(r"[^\W_]+", name)).lower() for name in _IDENTIFIER.findall(asked)]
    bare = [word.strip("\"'`,;:?!()<>") for word in asked.split()]
    return Question(
        text=asked,
        words=tuple(text.terms(asked)),
        phrases=tuple(dict.fromkeys(name for name in identifiers if " " in name)),
        shas=tuple(dict.fromkeys(_SHA.findall(asked.lower()))),
        numbers=tuple(dict.fromkeys(_NUMBER.findall(asked))),
        decisions=tuple(dict.fromkeys(_DECISION.findall(asked.lower()))),
        paths=tuple(dict.fromkeys(word.strip("./") for word in bare if _PATH.fullmatch(word) and word.strip("./"))),
        undone=_UNDONE.search(asked) is not None,
    )
