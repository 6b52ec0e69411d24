"""Decisions written as trailers in a commit message (CONTRACT, Decision trailers).

Read with fixed settings of our own, so that every clone reads the same from the same message.
"""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from contextgraph import given
from contextgraph.commits import Commit
from contextgraph.errors import BadInputError
from contextgraph.event import decision_id
from contextgraph.trace import Decision

ALIASES = {
    "ruled-out": "rejected",
    "limit": "constraint",
    "directive": "constraint",
    "warn": "constraint",
    "certainty": "confidence",
    "undo": "reversible",
    "reversibility": "reversible",
    "blast": "risk",
    "scope-risk": "risk",
    "follows": "related",
}
OURS = frozenset(
    "decision context rejected because constraint supersedes expires guard risk reversible confidence category area related ack".split()
)
CERTAINTY = {"firm": "0.9", "tentative": "0.6", "guess": "0.3", "high": "0.9", "medium": "0.6", "low": "0.3"}
_LINE = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)[ \t]*:[ \t]*(.*)\Z")
_YES = {"yes", "true", "easy", "high", "clean", "reversible"}
_NO = {"no", "false", "hard", "low", "never", "irreversible", "migration-needed"}


class Ack(msgspec.Struct, frozen=True):
    finding: str
    because: str


def read(message: str) -> list[tuple[str, str]]:
    """(key, value) of our trailers, in order; keys are canonical and lower case, folded lines are joined.

    The last block counts as git reads it (every line a trailer, or at least a quarter with one of git's own), and before
    it any paragraph made only of our keys: co-author lines and squash bodies push ours up.
    """
    paragraphs = [block.split("\n") for block in re.split(r"\n[ \t]*\n", message.replace("\r\n", "\n").strip("\n"))]
    found: list[tuple[str, str]] = []
    for position, lines in enumerate(paragraphs):
        if position == 0:  # the subject is never a trailer
            continue
        pairs = _pairs(lines)
        last = position == len(paragraphs) - 1
        ours = [(canonical(key), value) for key, value in pairs or () if canonical(key) in OURS]
        if pairs is not None and (len(ours) == len(pairs) or last):
            found += ours
        elif pairs is None and last:
            found += _mixed(lines)
    return found


def _pairs(lines: list[str]) -> list[tuple[str, str]] | None:
    """The trailers of a paragraph that has nothing else in it, or None."""
    pairs: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in (" ", "\t") and pairs:
            key, value = pairs[-1]
            pairs[-1] = (key, f"{value} {line.strip()}".strip())
        elif match := _LINE.match(line):
            pairs.append((match[1], match[2].strip()))
        elif not line.startswith("(cherry picked from commit "):
            return None
    return pairs


def _mixed(lines: list[str]) -> list[tuple[str, str]]:
    """The last block with other text in it: git takes it when it holds one of its own trailers and a quarter are trailers."""
    matches = [match for line in lines if (match := _LINE.match(line))]
    own = any(line.startswith(("Signed-off-by: ", "(cherry picked from commit ")) for line in lines)
    if not own or len(matches) * 3 < len([line for line in lines if line[:1] not in (" ", "\t")]) - len(matches):
        return []
    kept: list[str] = []
    for line in lines:
        if _LINE.match(line) or (line[:1] in (" ", "\t") and kept):
            kept.append(line)
    return [(canonical(key), value) for key, value in _pairs(kept) or () if canonical(key) in OURS]


def canonical(key: str) -> str:
    return ALIASES.get(key.lower(), key.lower())


def decisions(commit: Commit) -> list[Decision]:
    """The decisions in the message of `commit`, with ids that survive a rewrite of everything but their own lines."""
    found = [pair for pair in read(commit.message) if pair[0] != "ack" and pair[1]]
    groups: list[list[tuple[str, str]]] = [[]]
    for pair in found:
        if pair[0] == "decision" and any(key == "decision" for key, _ in groups[-1]):
            groups.append([])
        groups[-1].append(pair)
    made: list[Decision] = []
    for group in groups:
        if any(key != "related" for key, _ in group):
            identity = decision_id(commit.author, str(commit.author_time), *(f"{key}: {' '.join(value.split())}" for key, value in group))
            made.append(msgspec.structs.replace(decision(group), id=identity, source="trailer"))
    return made


def acks(message: str) -> list[Ack]:
    """The `Ack: ID | reason` lines of a message; they stand alone."""
    parts = [value.partition("|") for key, value in read(message) if key == "ack"]
    return [Ack(finding.strip(), because.strip()) for finding, _, because in parts if finding.strip()]


def decision(pairs: Iterable[tuple[str, str]]) -> Decision:
    """One decision from canonical (key, value) pairs. A value that its field does not allow is kept as a constraint's words.

    A commit message cannot be refused after the fact, so nothing that somebody wrote is dropped.
    """
    fields: dict[str, Any] = {}
    for key, value in pairs:
        try:
            step = _field(fields, key, value)
            given.convert({"decisions": [{"context": "-", **step}]})
        except BadInputError:
            step = {"constraints": [*fields.get("constraints", []), f"{key.capitalize()}: {value}"]}
        fields |= step
    return given.convert({"decisions": [fields]}).decisions[0]


def _field(fields: dict[str, Any], key: str, value: str) -> dict[str, Any]:
    """What one trailer adds to a decision's fields."""
    word = value.lower().strip().rstrip(".")
    first = re.split(r"[ ,;(|]", word, maxsplit=1)[0]
    match key:
        case "decision":
            return {"options": [{"description": value}, *fields.get("options", [])], "selected": 0}
        case "rejected":
            option, _, reason = value.partition("|")
            rejected = {"option": option.strip(), **({"reason": reason.strip()} if reason.strip() else {})}
            return {"rejected": [*fields.get("rejected", []), rejected]}
        case "because":
            return {"reasoning": "\n".join(filter(None, [fields.get("reasoning"), value]))}
        case "constraint" | "guard" | "related":
            name = {"constraint": "constraints", "guard": "guard", "related": "related"}[key]
            return {name: [*fields.get(name, []), value]}
        case "reversible":
            if first not in _YES | _NO:
                raise BadInputError(f"`{value}` is neither yes nor no")
            return {"reversible": first in _YES}
        case "confidence":
            return {"confidence": CERTAINTY.get(first, word)}
        case "risk" | "category":
            return {key: first}
        case "context":
            return {"context": "\n".join(filter(None, [fields.get("context"), value]))}
    return {key: value}  # supersedes, expires, area
