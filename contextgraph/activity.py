"""Nouns of an agent's work on a commit: which tools and models it called, what went wrong, when it asked for more."""

import re
from datetime import datetime
from typing import Annotated, Any

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0)]
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z\Z")


class Noun(msgspec.Struct, frozen=True, kw_only=True):
    """A value: two with the same fields are the same."""


def is_time(text: str) -> bool:
    """Whether it is a moment of the calendar in RFC 3339, in UTC: 2026-11-20T13:00:00Z."""
    try:
        return _TIME.match(text) is not None and datetime.fromisoformat(f"{text[:19]}+00:00") is not None
    except ValueError:
        return False


class TokenUsage(Noun, frozen=True, kw_only=True):
    input: Count = 0
    output: Count = 0
    cached: Count = 0


class Happening(Noun, frozen=True, kw_only=True):
    """Something in an agent's session, with the moment it happened: RFC 3339 UTC."""

    timestamp: str | None = None

    def __post_init__(self) -> None:
        if self.timestamp is not None and not is_time(self.timestamp):
            raise ValueError(f"`timestamp` is {self.timestamp[:40]!r}, and must be a time in UTC such as 2026-11-20T13:00:00Z")


class ToolCall(Happening, frozen=True, kw_only=True):
    tool: str
    id: str | None = None
    args: Any = None
    result: Any = None
    success: bool | None = None
    duration: Count | None = None


class ErrorRecord(Happening, frozen=True, kw_only=True):
    message: str
    id: str | None = None
    tool: str | None = None
    recovery: str | None = None
    iterations: Count | None = None


class ModelCall(Happening, frozen=True, kw_only=True):
    model: str
    id: str | None = None
    provider: str | None = None
    tokens: TokenUsage | None = None
    duration: Count | None = None
    reasoning: str | None = None


class Escalation(Happening, frozen=True, kw_only=True):
    from_tier: str | None = None
    to_tier: str | None = None
    reason: str | None = None
    iteration: Count | None = None
