"""Decisions written as trailers in a commit message (CONTRACT, Decision trailers).

Read with fixed settings of our own, so that every clone reads the same from the same message.
"""

import re
from collections.abc import Sequence
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
SUBSTANCE = frozenset("decision rejected because constraint guard supersedes".split())
"""Keys that make a decision; the others only qualify one (`Area: docs` or `Context: URL` alone, as projects have them, is none)."""
QUALIFIERS = frozenset("supersedes expires risk reversible confidence category area related".split())
"""Fields that say nothing by themselves."""
CERTAINTY = {"firm": "0.9", "tentative": "0.6", "guess": "0.3", "high": "0.9", "medium": "0.6", "low": "0.3"}
_TEXTS = {"context", "reasoning"}  # several lines of these are one text
_BLANK = re.compile(r"\n(?:[ \t]*\n)+")
_LINE = re.compile(r"([A-Za-z0-9-]+)[ \t]*:[ \t]*(.*)\Z")
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
    paragraphs = [block.split("\n") for block in _BLANK.split(message.replace("\r\n", "\n").strip())]
    found: list[tuple[str, str]] = []
    for position, lines in enumerate(paragraphs[1:], 1):  # the subject is never a trailer
        last = position == len(paragraphs) - 1
        if last and _is_block(lines):
            found += [pair for pair in _pairs(lines) if pair[0] in OURS]
        elif not last and _is_ours(lines):
            found += _pairs(lines)
    return found


def without(message: str) -> str:
    """The message less the lines that `read` takes for decisions, and what is folded under them; acks stay."""
    parts = re.split(f"({_BLANK.pattern})", message.replace("\r\n", "\n").strip())  # paragraphs, and the blank lines between them
    kept = parts[:1]
    for blank, paragraph in zip(parts[1::2], parts[2::2], strict=True):
        lines = paragraph.split("\n")
        ours = _is_block(lines) if paragraph is parts[-1] else _is_ours(lines)
        lines = _of_others(lines) if ours else lines
        kept += [blank, "\n".join(lines)] if lines else []
    return "".join(kept)


def _of_others(lines: list[str]) -> list[str]:
    kept: list[str] = []
    ours = False
    for line in lines:
        if not line[:1].isspace():
            match = _LINE.match(line)
            ours = match is not None and canonical(match[1]) in OURS - {"ack"}
        kept += [] if ours else [line]
    return kept


def _is_ours(lines: list[str]) -> bool:
    """Whether a paragraph is made only of our keys."""
    if lines[0][:1].isspace() or not all(_place(line) in ("trailer", "git", "folded") for line in lines):
        return False
    return all(key in OURS for key, _ in _pairs(lines))


def _place(line: str) -> str:
    """What a line of a block is: `git` (one that git itself writes), `trailer`, `folded`, `comment` or `text`."""
    if line.startswith(("Signed-off-by: ", "(cherry picked from commit ")):
        return "git"
    if line.startswith("#"):
        return "comment"
    if line[:1].isspace():
        return "folded"
    return "trailer" if _LINE.match(line) else "text"


def _is_block(lines: list[str]) -> bool:
    """Git's own rule: every line a trailer, or one that git wrote among them and at least a quarter trailers."""
    trailers = others = folded = 0
    for place in map(_place, reversed(lines)):
        if place == "folded":
            folded += 1
            continue
        if place in ("git", "trailer"):
            trailers += 1
        else:
            others += folded + (place == "text")  # what is folded under text is text
        folded = 0
    others += folded
    return trailers > 0 and (others == 0 or (any(_place(line) == "git" for line in lines) and trailers * 3 >= others))


def _pairs(lines: list[str]) -> list[tuple[str, str]]:
    """(canonical key, value) of every trailer in a block; lines folded under one are joined to it."""
    pairs: list[tuple[str, list[str]]] = []
    open_ = False
    for line in lines:
        if line[:1].isspace():
            if open_:
                pairs[-1][1].append(line.strip())
        elif not line.startswith("#"):
            match = _LINE.match(line)
            open_ = match is not None
            if match:
                pairs.append((canonical(match[1]), [match[2].strip()]))
    return [(key, " ".join(filter(None, parts))) for key, parts in pairs]


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
        if any(key in SUBSTANCE for key, _ in group):
            identity = decision_id(commit.author, str(commit.author_time), *(f"{key}: {' '.join(value.split())}" for key, value in group))
            made.append(msgspec.structs.replace(decision(group, subject=commit.subject), id=identity, source="trailer"))
    return made


def acks(message: str) -> list[Ack]:
    """The `Ack: ID | reason` lines of a message; they stand alone."""
    parts = [value.partition("|") for key, value in read(message) if key == "ack"]
    return [Ack(finding.strip(), because.strip()) for finding, _, because in parts if finding.strip()]


def decision(pairs: Sequence[tuple[str, str]], strict: bool = False, subject: str = "") -> Decision:
    """One decision from canonical (key, value) pairs. A value that its field does not allow is kept as a constraint's words; one
    decision without any words is titled with `subject`.

    A commit message cannot be refused after the fact, so nothing that somebody wrote is dropped. What can still be mended
    is read `strict`: BadInputError names the value.
    """
    fields: dict[str, Any] = {}
    for key, value in pairs:
        try:
            step = _field(key, value)
            given.convert({"decisions": [{"context": "-", **step}]})
        except BadInputError:
            if strict:
                raise
            step = {"constraints": [f"{key.capitalize()}: {value}"]}
        for name, item in step.items():
            if isinstance(item, list) and name in fields:
                fields[name] += item
            else:
                fields[name] = [*fields.get(name, []), item] if name in _TEXTS else item
    fields |= {name: "\n".join(fields[name]) for name in _TEXTS & fields.keys()}
    if not strict and fields.keys() <= QUALIFIERS:  # `Supersedes:` alone says something: what the commit does, or its own words
        fields["context"] = subject or "; ".join(f"{key.capitalize()}: {value}" for key, value in pairs)
    return given.convert({"decisions": [fields]}).decisions[0]


def _field(key: str, value: str) -> dict[str, Any]:
    """What one trailer adds to a decision's fields."""
    word = value.lower().strip().rstrip(".")
    first = re.split(r"[ ,;(|]", word, maxsplit=1)[0]
    match key:
        case "decision":
            return {"options": [{"description": value}], "selected": 0}
        case "rejected":
            option, _, reason = value.partition("|")
            return {"rejected": [{"option": option.strip(), **({"reason": reason.strip()} if reason.strip() else {})}]}
        case "because":
            return {"reasoning": value}
        case "constraint" | "guard" | "related":
            return {{"constraint": "constraints", "guard": "guard", "related": "related"}[key]: [value]}
        case "reversible":
            if first not in _YES | _NO:
                raise BadInputError(f"`{value}` is neither yes nor no")
            return {"reversible": first in _YES}
        case "confidence":
            return {"confidence": CERTAINTY.get(first, word)}
        case "risk" | "category":
            return {key: first}
    return {key: value}  # context, supersedes, expires, area
