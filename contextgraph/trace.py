"""Nouns: the values that a trace is made of, with the field names of the public JSON.

One set of types serves reading and writing. What git knows (sha, files, status, …) is filled in when a trace is
shown and is never stored; `GIVEN` names the fields that a `recorded` event may carry.
"""

import re
from typing import Any, Literal

import msgspec

Category = Literal["architecture", "implementation", "tooling", "recovery", "escalation"]
Level = Literal["low", "medium", "high"]
Source = Literal["authored", "trailer", "agent", "imported", "mined"]
Status = Literal["pending", "landed", "reverted"]
Carry = Literal["amend", "rebase", "squash", "cherry-pick", "reset", "host-squash", "host-rebase", "remap"]

DECISION_ID = re.compile(r"cg-[0-9a-f]{12}\Z")


class Noun(msgspec.Struct, frozen=True, kw_only=True):
    """A value: two with the same fields are the same."""


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


class TokenUsage(Noun, frozen=True, kw_only=True):
    input: int = 0
    output: int = 0
    cached: int = 0


class ToolCall(Noun, frozen=True, kw_only=True):
    tool: str
    id: str | None = None
    args: Any = None
    result: Any = None
    success: bool | None = None
    duration: int | None = None
    timestamp: str | None = None


class ErrorRecord(Noun, frozen=True, kw_only=True):
    message: str
    id: str | None = None
    tool: str | None = None
    recovery: str | None = None
    iterations: int | None = None
    timestamp: str | None = None


class ModelCall(Noun, frozen=True, kw_only=True):
    model: str
    id: str | None = None
    provider: str | None = None
    tokens: TokenUsage | None = None
    duration: int | None = None
    reasoning: str | None = None
    timestamp: str | None = None


class Escalation(Noun, frozen=True, kw_only=True):
    from_tier: str | None = None
    to_tier: str | None = None
    reason: str | None = None
    iteration: int | None = None
    timestamp: str | None = None


class Evidence(Noun, frozen=True, kw_only=True):
    """Why a status is what it is: the rule that said so, and the commit that it looked at."""

    rule: str
    commit: str | None = None
    detail: str | None = None


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
    iterations: int | None = None
    escalations: list[Escalation] = []
    duration: int | None = None
    tokens_used: TokenUsage | int | None = None
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

    What a caller put into a free field (`args`, `result`) stays as it is, floats apart.
    """
    if isinstance(value, Noun):
        fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
        return {name: plain(field) for name, field in fields if field not in (None, [], "")}
    if isinstance(value, dict):
        return {str(key): plain(field) for key, field in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return decimal(value) if isinstance(value, float) else value


def decimal(number: float) -> str:
    """A float as the shortest decimal string that reads back the same, without an exponent: 0.9 -> "0.9"."""
    text = repr(number)
    return format(number, ".20f").rstrip("0").rstrip(".") if "e" in text else text
