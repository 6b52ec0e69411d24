"""What a commit message says about other commits: that it undoes them, brings them back, was picked or squashed from them.

Only a claim: whether it is true, the diffs tell (`status`). Free-form subjects (`revert: add option`) claim nothing but what has
just that title: they were wrong in 5 of 6 (EVIDENCE, Landed and reverted).
"""

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

Kind = Literal["reverts", "mentions", "reverts-pull", "reverts-change", "reverts-subject", "picked", "squashed", "titled", "reviewed"]


class Claim(msgspec.Struct, frozen=True, order=True):
    """`target` is a sha (full or abbreviated), a pull request number, or a subject, as `kind` says.

    `titled` is a merge, made by a host, of a pull request with that title.

    `reverts` states it in the forms people and git use for it; `mentions` has a sha near the word and counts only when
    the diff undoes all of it.
    """

    kind: Kind
    target: str


LONGEST = 64_000
"""Characters of a message that are looked at."""
_SHA = r"[0-9a-f]{7,64}"
_URL = re.compile(rf"<?https?://[^\s<>]{{1,200}}/commits?/({_SHA})\b[^\s<>,;]*>?", re.IGNORECASE)
# What may stand between the word and the sha: "parts of commit", "most of", "the changes made in", "a change to FILE by", "#12 (".
_SHARE = (
    r"(?:(?:(?:an?|the|some|most|much|half|rest|all|only|last|first|bits?|parts?|changes?|commits|portions?|made|done|introduced)\s+){0,4}"
    r"(?:of|from|in|by)\s+|(?:the\s+|an?\s+)?(?:[^\s.:;#\"“”]+[ \n]){1,8}?(?:(?:parts?|bits?|half|portions?|pieces?)\s+of"
    r"|(?:(?:that|which)\s+(?:was|were|is|are)\s+)?(?:added|made|done|introduced)\s+(?:in|by|with))\s+"
    r"|(?:(?:an?|the|its)\s+)?(?:[\w-]+\s+)?(?:changes?|follow-ups?)\s+(?:made\s+|done\s+)?"
    r"(?:(?:to|in|of)\s+(?:\S{1,60}\s+){1,4}?)?(?:made\s+|done\s+|introduced\s+)?(?:in|by|from)\s+)"
)
_ROLLED = r"roll(?:s|ing)?[ -]?backs?"  # not "rolled back", which is told of what comes again
_NOT = r"(?<!un-)(?<!after the )(?<!since the )(?<!following the )"  # the second attempt after the revert of it
_STATED = re.compile(
    rf"\b{_NOT}(?:reverts?|reverted|reverting|revert of|undoes|undo|undoing|backs? out|backed out|backing out|{_ROLLED}(?: of)?):?\s+"
    rf"(?:{_SHARE})?(?:the\s+)?(?:following\s+)?(?:merge\s+|my\s+|previous\s+|needless\s+|recent\s+|bad\s+|accidental\s+)?"
    r"(?:(?:\d{1,2}|two|three|four|five|six)\s+)?(?:commits?|changesets?|changes|workarounds?)?"
    r"(?:(?<=s) [^:.]{1,120}(?=:\n))?:?\s*(?:#+\d+\b\s*[,(]?\s*)?",
    re.IGNORECASE,
)
# One of a list: the sha, what is told of it, and what leads to the next.
_ITEM = re.compile(
    rf"[\s\[(`*'\"#-]*(?:(?:\w+ly\s+)?(?:parts?|all|most|some|half)\s+of\s+)?(?:commits?\s+)?\b({_SHA})\b(?:\.\.\.)?", re.IGNORECASE
)
_TOLD = re.compile(r"(?:\s*\((?:[^()]|\([^()]{0,100}\)){0,300}\)|\s*[\"“][^\"“”]{0,300}[\"”])?([\s,;&`')\]]*(?:and\s+)?)", re.IGNORECASE)
_LINE = re.compile(r"[^\n]{0,300}\n+")
_MENTION = re.compile(
    rf"\b(?:un-?)?(?:revert|reappl(?:y|ies)|re-?land|back(?:s|ed)? out|undo)\w*\b(?:(?!\n\n).){{0,80}}?\b({_SHA})\b",
    re.IGNORECASE | re.DOTALL,
)
_THING = r"(?:<?https?://\S+?/(?:pull|merge_requests)/|(?:[\w.-]+/[\w.-]+)?[#!]|gh-|(?:PRs?|MRs?|pull requests?) [#!]?)"
_NAMING = (
    rf"\b{_NOT}(?:revert(?:s|ed|ing)?|undo(?:es|ing)?|back(?:s|ed|ing)?[ -]?out|{_ROLLED}):?\s+(?:of:?\s+)?(?:the\s+)?"
    rf"(?:(?:fix|patch|workarounds?|changes?)\s+)?(?:{_SHARE})?"
)
_LINK = re.compile(r"\[((?:[\w.-]+/[\w.-]+)?[#!]\d+)\]\(https?://[^\s()]{1,200}\)")
_PULL = re.compile(rf"{_NAMING}{_THING}(\d+)\b", re.IGNORECASE)
_NEXT_PULL = re.compile(rf">?(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+)(?:{_SHARE})?|\s*&\s*| (?=#)){_THING}(\d+)\b", re.IGNORECASE)
# Of a title without a name: where what is undone came from, "an accidental change for testing in #12", "the test added by #12".
_REVERTING = re.compile(
    rf"(?:\[[^\]]{{1,40}}\]\s*|[^:]{{1,40}}:\s*)?(?:partial(?:ly)?\s+)?(?:revert|undo|back out|{_ROLLED})\s+(?![\"“'])", re.IGNORECASE
)
_ORIGIN = re.compile(
    rf"\b(?:changes?|code|added|introduced)\s+(?:[^\s.:;#]+[ \n]){{0,6}}?(?:in|from|by|with)\s+{_THING}(\d+)\b", re.IGNORECASE
)
# A change in Gerrit: `CL 1234`, or where it is reviewed.
_CHANGE = re.compile(rf"{_NAMING}(?:CLs? |<?https?://[\w.-]+/cl/|<?https?://[\w.-]*review\S*?/(?=\d+\b(?!/)))(\d+)\b", re.IGNORECASE)
_REVIEWED = re.compile(r"^Reviewed-on: https?://\S{1,200}/(\d{1,12})/?$", re.MULTILINE)
# What follows the closing quote is a pull request, or why.
_QUOTED = re.compile(
    r"(?:\[[\w -]+\]\s*|([\w./ -]{1,40}:)\s*)?(?:partial(?:ly)?\s+)?"
    rf"(?:revert|{_ROLLED}(?: of)?)[:\s]+[\"“'](.+)[\"”'](?:[\s,;:.(—–-].*)?\Z",
    re.IGNORECASE,
)
_UNQUOTED = re.compile(rf"\[?(?:revert|{_ROLLED})\]?(?: of)?[:\s]+(?:the change\s+)?(\S+(?:\s+\S+){{2,}})\Z", re.IGNORECASE)
_REAPPLY = re.compile(r"(?:reapply|re-?land)[:\s]+[\"“](.+)[\"”](?:[\s,;:.(—–-].*)?\Z", re.IGNORECASE)
_PICKED = re.compile(rf"^\(cherry picked from commit ({_SHA})\)$", re.MULTILINE)
_SQUASHED = re.compile(rf"^commit ({_SHA})$", re.MULTILINE)
_MERGED = re.compile(
    r"Merge(?: pull request #\d+ from |d in .{1,100}\(pull request #\d+\)| branch '[^'\n]{1,200}' into )[^\n]*\n\s*([^\n]+)"
)
_WORDS = (
    "revert",
    "reappl",
    "reland",
    "re-land",
    "undo",
    "back out",
    "backs out",
    "backed out",
    "backing out",
    "backout",
    "rollback",
    "roll back",
    "roll-back",
    "rolls back",
    "rolling back",
    "cherry picked",
    "squashed commit",
)


def read(message: str) -> list[Claim]:
    """The claims of a message, each once."""
    titled = [Claim("titled", match[1].strip())] if (match := _MERGED.match(message[:LONGEST])) else []
    if "\nReviewed-on: " in message:
        titled += [Claim("reviewed", match[1]) for match in _REVIEWED.finditer(message[:LONGEST])][-1:]
    lower = message.lower()  # plain words are found six times as fast as by a pattern, and most messages have none
    if not any(word in lower for word in _WORDS):
        return titled
    # Runs of white space as one: several optional blanks in a row would make the patterns try every way to share them out.
    text = re.sub(r"[^\S\n]+", " ", re.sub(r"\s*\n\s*\n\s*", "\n\n", message[:LONGEST].strip()))
    text = _URL.sub(r"\1", _LINK.sub(r"\1", text)) if "://" in text else text
    subject, _, body = text.partition("\n")
    found: dict[Claim, None] = dict.fromkeys([*titled, *_subject(subject.strip())])
    found |= dict.fromkeys(_shas(text))
    found |= dict.fromkeys(Claim("reverts-pull", number) for number in _pulls(text))
    found |= dict.fromkeys(Claim("reverts-change", match[1]) for match in _CHANGE.finditer(text))
    if _REVERTING.match(subject) and all(claim.kind in ("titled", "reviewed", "reverts-subject") for claim in found):
        found |= dict.fromkeys(Claim("reverts-pull", match[1]) for match in _ORIGIN.finditer(body))
    found |= dict.fromkeys(Claim("picked", match[1]) for match in _PICKED.finditer(body))
    if "Squashed commit of the following:" in message:
        found |= dict.fromkeys(Claim("squashed", match[1]) for match in _SQUASHED.finditer(body))
    return list(found)


def _subject(subject: str) -> Iterator[Claim]:
    if match := _QUOTED.match(subject):
        yield Claim("reverts-subject", match[2])
        if match[1]:  # `area: revert "title"`, of `area: title`
            yield Claim("reverts-subject", f"{match[1]} {match[2]}")
    elif match := _UNQUOTED.match(subject):  # a commit must have just this title
        yield Claim("reverts-subject", match[1])
    elif match := _REAPPLY.match(subject):
        yield Claim("reverts-subject", f'Revert "{match[1]}"')


def _shas(text: str) -> Iterator[Claim]:
    """The commits that are said to be undone. A subject may name them too (`revert 1a2b3c4`)."""
    stated: set[str] = set()
    for match in _STATED.finditer(text):
        for sha in _listed(text, match.end()):
            if re.search(r"[a-f]", sha) or len(sha) >= 10:  # seven digits are a number more often than a commit
                stated.add(sha)
                yield Claim("reverts", sha)
    for match in _MENTION.finditer(text):
        sha = match[1].lower()
        if sha not in stated and re.search(r"[a-f]", sha) and "reversing" not in match[0].lower():
            yield Claim("mentions", sha)


def _listed(text: str, at: int) -> Iterator[str]:
    """The shas of a list that begins at a place: in a sentence, or each on a line of its own with what is told of it."""
    item = _ITEM.match(text, at)
    lines = item is not None and "\n" in text[max(0, at - 2) : item.start(1)]
    while item is not None:
        yield item[1].lower()
        told = _TOLD.match(text, item.end())
        goes_on = told is not None and (lines or "\n\n" not in told[1] or "and" in told[1] or "," in told[1])
        following = _ITEM.match(text, told.end()) if told and goes_on else None
        if following is None and lines and (line := _LINE.match(text, item.end())):
            following = _ITEM.match(text, line.end())
        item = following


def _pulls(text: str) -> Iterator[str]:
    for match in _PULL.finditer(text):
        yield match[1]
        following = _NEXT_PULL.match(text, match.end())
        while following:
            yield following[1]
            following = _NEXT_PULL.match(text, following.end())
