"""What a check finds: one value for every format, with an id that a rebase does not change."""

import hashlib
from typing import Literal

import msgspec

Grade = Literal["error", "warning", "note"]


class Precedent(msgspec.Struct, frozen=True):
    """What the finding rests on: a decision, a reverted change, or (both None) a line of the policy file. `date` is a day."""

    commit: str | None = None
    decision: str | None = None
    status: str = ""
    date: str = ""
    title: str = ""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One finding. `line` counts from 1 in the new file, None where no line of it is meant; `words` are what matched.

    `message` says what is wrong in one sentence, `why` why the precedent applies; `ack` is the command and `trailer` the
    line of a commit message that accepts it.
    """

    id: str
    rule: str
    level: Grade
    commit: str | None
    path: str | None
    line: int | None
    message: str
    precedent: Precedent
    words: tuple[str, ...] = ()
    ack: str = ""
    why: str = ""
    trailer: str = ""


class Accepted(msgspec.Struct, frozen=True):
    """A finding that somebody accepted, in a commit message of the range or by `cg ack`."""

    finding: Finding
    because: str
    by: str = ""
    until: str = ""


class Report(msgspec.Struct, frozen=True):
    """The answer of one check. `text` is the range in words; `skipped` counts notes beyond the five that are shown."""

    text: str
    base: str | None
    head: str | None
    commits: int
    findings: list[Finding]
    accepted: list[Accepted]
    reasons: list[str]
    skipped: int = 0

    def count(self, level: str) -> int:
        return sum(each.level == level for each in self.findings)

    @property
    def code(self) -> int:
        """The exit code: 1 for an error, else 3 when not everything could be seen, else 0."""
        return 1 if self.count("error") else 3 if self.reasons else 0


def identity(rule: str, *parts: str) -> str:
    """`f-` and 12 hex digits over the rule and what it found: no line number and no commit of the range, so a rebase keeps it."""
    return "f-" + hashlib.sha256("\0".join((rule, *parts)).encode("utf-8", "surrogateescape")).hexdigest()[:12]


def make(
    rule: str,
    level: str,
    parts: tuple[str, ...],
    message: str,
    why: str,
    precedent: Precedent,
    words: tuple[str, ...] = (),
    commit: str | None = None,
    path: str | None = None,
    line: int | None = None,
) -> Finding:
    """A finding with its id and with what accepts it."""
    found = identity(rule, *parts)
    return Finding(
        id=found,
        rule=rule,
        level="error" if level == "error" else "warning" if level == "warning" else "note",
        commit=commit,
        path=path,
        line=line,
        message=message,
        why=why,
        precedent=precedent,
        words=words,
        ack=f"cg ack {found} --because 'REASON'",
        trailer=f"Ack: {found} | REASON",
    )
