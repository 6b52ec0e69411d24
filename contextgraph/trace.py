"""Nouns: the values that a trace is made of, with the field names of the public JSON.

One set of types serves reading and writing. What git knows (sha, files, status, …) is filled in when a trace is
shown and is never stored; `GIVEN` names the fields that a `recorded` event may carry.
"""

# ruff: noqa: RUF012  (msgspec gives every value a list of its own; ruff sees that only where Struct itself is the base)

import re
from functools import cache
from typing import Any, Literal

import msgspec

from contextgraph.activity import Count, ErrorRecord, Escalation, ModelCall, Noun, TokenUsage, ToolCall

Category = Literal["architecture", "implementation", "tooling", "recovery", "escalation"]
Level = Literal["low", "medium", "high"]
Source = Literal["authored", "trailer", "agent", "imported", "mined"]
Status = Literal["pending", "landed", "reverted"]
Carry = Literal["amend", "rebase", "squash", "cherry-pick", "reset", "host-squash", "host-rebase", "remap"]

DECISION_ID = re.compile(r"cg-[0-9a-f]{12}\Z")


class Option(Noun, frozen=True, kw_only=True):
    description: str
    pros: list[str] = []
    cons: list[str] = []


class Rejection(Noun, frozen=True, kw_only=True):
    option: str
    reason: str | None = None


class Decision(Noun, frozen=True, kw_only=True):
    """What was decided, against which alternatives, and why. `selected` is an index into `options` or None."""

    id: str | None = None
    trace_id: str | None = None
    timestamp: str | None = None
    context: str = ""
    options: list[Option] = []
    selected: int | None = None
    reasoning: str = ""
    category: Category | None = None
    risk: Level | None = None
    reversible: bool | None = None
    auto: bool | None = None
    confidence: float | None = None
    area: str | None = None
    source: Source | None = None
    quote: str | None = None
    rejected: list[Rejection] = []
    constraints: list[str] = []
    related: list[str] = []
    supersedes: str | None = None
    superseded_by: str | None = None
    guard: list[str] = []
    expires: str | None = None

    def __post_init__(self) -> None:
        if self.selected is not None and not 0 <= self.selected < len(self.options):
            raise ValueError(f"`selected` is {self.selected}, and there are {len(self.options)} options (it counts from 0)")
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            raise ValueError(f"`confidence` is {self.confidence}, and must be between 0 and 1")
        if not (self.context or self.options or self.reasoning or self.rejected or self.constraints or self.guard or self.quote):
            raise ValueError("an empty decision: give at least `context`, `options` or `reasoning`")

    @property
    def choice(self) -> str:
        """The words of what was chosen, or the empty string."""
        return self.options[self.selected].description if self.selected is not None else ""

    @property
    def title(self) -> str:
        """The one line that names this decision."""
        return self.choice or self.context or self.quote or self.reasoning or "; ".join(self.constraints or self.guard)


class FileChange(Noun, frozen=True, kw_only=True):
    path: str
    status: Literal["A", "M", "D", "R"]
    old_path: str | None = None


class DiffStats(Noun, frozen=True, kw_only=True):
    files: int
    insertions: int
    deletions: int


class Evidence(Noun, frozen=True, kw_only=True):
    """Why a status is what it is: the rule that said so, and the commit that it looked at."""

    rule: str
    commit: str | None = None
    detail: str | None = None


LEFT = Evidence(rule="no-branch", detail="on no branch")
"""Of a pending commit that was thrown away: by a reset, or with its branch."""


class CarriedFrom(Noun, frozen=True, kw_only=True):
    commit: str
    how: Carry


class BranchStatus(Noun, frozen=True, kw_only=True):
    branch: str
    status: Status
    landed_at: str | None = None


class Trace(Noun, frozen=True, kw_only=True):
    """A commit and its reasons (CommitTrace of CONTRACT). Times are RFC 3339 UTC, `duration` is nanoseconds."""

    id: str | None = None
    sha: str | None = None
    repo: str | None = None
    branch: str | None = None
    author: str | None = None
    timestamp: str | None = None
    files: list[FileChange] | None = []
    areas: list[str] = []
    stats: DiffStats | None = None
    decisions: list[Decision] = []
    tool_calls: list[ToolCall] = []
    errors: list[ErrorRecord] = []
    model_calls: list[ModelCall] = []
    mode: str | None = None
    iterations: Count | None = None
    escalations: list[Escalation] = []
    duration: Count | None = None
    tokens_used: TokenUsage | Count | None = None
    summary: str | None = None
    status: Status | None = None
    landed_at: str | None = None
    merged_via: str | None = None
    reverted_by: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    recorded: bool = False
    evidence: list[Evidence] = []
    extent: float | None = None
    relanded_by: str | None = None
    by_branch: list[BranchStatus] = []
    carried_from: list[CarriedFrom] = []


LISTS = ("areas", "decisions", "tool_calls", "errors", "model_calls", "escalations")
SCALARS = ("branch", "mode", "iterations", "duration", "tokens_used", "summary")
GIVEN = frozenset(LISTS + SCALARS)


def plain(value: object) -> Any:
    """A noun as built-in values for a note line: nothing that is absent, and no floats (they become decimal strings).

    What a caller put into a free field (`args`, `result`) stays as it is, floats apart. A field that must be there stays too,
    empty or not: without it the line could not be read again.
    """
    if isinstance(value, Noun):
        fields = ((name, getattr(value, name), absent) for name, absent in _absences(type(value)).items())
        return {
            name: plain(field) for name, field, absent in fields if not any(type(field) is type(each) and field == each for each in absent)
        }
    if isinstance(value, dict):
        return {str(key): plain(field) for key, field in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return decimal(value) if isinstance(value, float) else value


@cache
def _absences(noun: type[Noun]) -> dict[str, tuple[Any, ...]]:
    """Each field of a noun with the values that say nothing there: none in a required field, None alone in a free one."""
    free: tuple[Any, ...] = (None,)
    empty: tuple[Any, ...] = (None, [], "")
    return {f.name: () if f.required else free if f.type is Any else empty for f in msgspec.structs.fields(noun)}


def decimal(number: float) -> str:
    """A float as the shortest decimal string that reads back the same, without an exponent: 0.9 -> "0.9"."""
    text = repr(number + 0.0)  # -0.0 becomes 0.0
    if "e" not in text:
        return text
    from decimal import Decimal

    return format(Decimal(text), "f")
