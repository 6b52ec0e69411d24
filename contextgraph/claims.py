"""What a commit message says about other commits: that it undoes them, brings them back, was picked or squashed from them.

Only a claim: whether it is true, the diffs tell (`status`). Free-form subjects (`revert: add option`) claim nothing:
they were wrong in 5 of 6 (EVIDENCE, Landed and reverted).
"""

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

Kind = Literal["reverts", "mentions", "reverts-pull", "reverts-subject", "picked", "squashed"]


class Claim(msgspec.Struct, frozen=True, order=True):
    """`target` is a sha (full or abbreviated), a pull request number, or a subject, as `kind` says.

    `reverts` states it in the forms people and git use for it; `mentions` has a sha near the word and counts only when
    the diff undoes all of it.
    """

    kind: Kind
    target: str


LONGEST = 64_000
"""Characters of a message that are looked at."""
_SHA = r"[0-9a-f]{7,64}"
_LIST = rf"((?:[\s\[(`*\-]*(?:commits?\s+)?{_SHA}\b[^\n,;.]{{0,120}}?(?:\([^()\n]*\))?[\s,;&`)\]]*(?:and\s+)?)+)"
# What may stand between the word and the sha: "parts of commit", "most of", "a change from", "the changes made in", "#12 (".
_SHARE = (
    r"(?:(?:an?|the|some|most|much|half|all|only|last|first|bits?|parts?|changes?|portions?|made|introduced)\s+){0,4}(?:of|from|in|by)\s+"
)
_STATED = re.compile(
    rf"\b(?:reverts?|reverted|reverting|revert of|undoes|undo|undoing|backs? out|backed out|backing out)\s+"
    rf"(?:{_SHARE})?(?:the\s+)?(?:following\s+)?(?:merge\s+|my\s+|previous\s+|needless\s+|recent\s+|bad\s+|accidental\s+)?(?:commits?|changesets?)?:?\s*(?:#+\d+\s*\(?\s*)?{_LIST}",
    re.IGNORECASE,
)
_MENTION = re.compile(
    rf"\b(?:un-?)?(?:revert|reapply|re-?land|back(?:s|ed)? out|undo)\w*\b(?:(?!\n\n).){{0,80}}?\b({_SHA})\b", re.IGNORECASE | re.DOTALL
)
_PULL = re.compile(
    r"\brevert(?:s|ed|ing)?\s+(?:of\s+)?(?:<?https?://\S+?/(?:pull|merge_requests)/|"
    r"(?:(?:PR|pull request|MR)\s+)?(?:[\w.-]+/[\w.-]+)?[#!])(\d+)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r'(?:\[\w+\]\s*|\w+:\s*)?revert[:\s]+["“](.+)["”]\s*(?:\(#\d+\)|\(!\d+\))?\s*\Z', re.IGNORECASE)
_REAPPLY = re.compile(r'(?:reapply|re-?land)[:\s]+["“](.+)["”]\s*(?:\(#\d+\))?\s*\Z', re.IGNORECASE)
_PICKED = re.compile(rf"^\(cherry picked from commit ({_SHA})\)$", re.MULTILINE)
_SQUASHED = re.compile(rf"^commit ({_SHA})$", re.MULTILINE)
_WORDS = ("revert", "reapply", "reland", "re-land", "undo", "back out", "backs out", "backed out", "cherry picked", "squashed commit")


def read(message: str) -> list[Claim]:
    """The claims of a message, each once."""
    lower = message.lower()  # plain words are found six times as fast as by a pattern, and most messages have none
    if not any(word in lower for word in _WORDS):
        return []
    # Runs of white space as one: several optional blanks in a row would make the patterns try every way to share them out.
    subject, _, body = re.sub(r"[^\S\n]+", " ", re.sub(r"\s*\n\s*\n\s*", "\n\n", message[:LONGEST].strip())).partition("\n")
    found: dict[Claim, None] = dict.fromkeys(_subject(subject.strip()))
    found |= dict.fromkeys(_shas(f"{subject}\n{body}"))
    found |= dict.fromkeys(Claim("reverts-pull", match[1]) for match in _PULL.finditer(message))
    found |= dict.fromkeys(Claim("picked", match[1]) for match in _PICKED.finditer(body))
    if "Squashed commit of the following:" in message:
        found |= dict.fromkeys(Claim("squashed", match[1]) for match in _SQUASHED.finditer(body))
    return list(found)


def _subject(subject: str) -> Iterator[Claim]:
    if match := _QUOTED.match(subject):
        yield Claim("reverts-subject", match[1])
    elif match := _REAPPLY.match(subject):
        yield Claim("reverts-subject", f'Revert "{match[1]}"')


def _shas(body: str) -> Iterator[Claim]:
    """The commits that are said to be undone. A subject may name them too (`revert 1a2b3c4`)."""
    stated: set[str] = set()
    for match in _STATED.finditer(body):
        # "…, reversing changes made to SHA": the second sha is where the merge started from, not what is undone.
        after = body[match.end() : match.end() + 40]
        shas = re.findall(rf"\b{_SHA}\b", re.split(r"revers", match[1] + after, maxsplit=1)[0])
        for sha in shas:
            if re.search(r"[a-f]", sha) or len(sha) >= 10:  # seven digits are a number more often than a commit
                stated.add(sha.lower())
                yield Claim("reverts", sha.lower())
    for match in _MENTION.finditer(body):
        sha = match[1].lower()
        if sha not in stated and re.search(r"[a-f]", sha) and "reversing" not in match[0].lower():
            yield Claim("mentions", sha)
