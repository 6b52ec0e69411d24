"""From reasons to event lines: ids by content and position, one size limit, the same bytes on every replay."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from contextgraph import event, strictjson, trace
from contextgraph.capture import trailers
from contextgraph.commits import Commit
from contextgraph.errors import BadInputError
from contextgraph.trace import Decision, Trace

CUT = "… [cut]"
SHORTER = (2000, 400, 80, 16)
"""Characters to which automatic capture cuts long texts, one after the other, until the event fits."""


def recorded(commit: str, at: str, by: str, given: Trace, cut: bool = False) -> list[bytes]:
    """`recorded` events for what was given about a commit. Many decisions become several events, each near event.TARGET.

    Raises BadInputError when one is over event.HARD_LIMIT; with `cut` (automatic capture) its long texts are cut and
    marked instead, because a commit cannot be refused after the fact.
    """
    whole = trace.plain(msgspec.structs.replace(given, decisions=[])) | {}
    whole.pop("recorded", None)
    groups = _groups([_identified(commit, at, each, position) for position, each in enumerate(given.decisions)])
    lines: list[bytes] = []
    for position, group in enumerate(groups):
        payload = (whole if position == 0 else {}) | ({"decisions": group} if group else {})
        lines.append(_fitting("recorded", at, by, commit, {"trace": payload}, cut))
    return lines


def _fitting(kind: str, at: str, by: str, commit: str, fields: dict[str, Any], cut: bool) -> bytes:
    """The event; with `cut` its texts as much shorter as it takes to fit, else BadInputError where it does not."""
    shorter = iter(SHORTER if cut else ())
    while True:
        try:
            return event.encode(kind, at, by, commit, fields)
        except BadInputError:
            limit = next(shorter, None)
            if limit is None:
                raise
            fields = _shorter(fields, limit)


def automatic(
    commit: Commit, branch: str, staged: Sequence[Decision], masked: Callable[[Trace], Trace] = lambda given: given
) -> list[bytes]:
    """The small trace of a commit made here: its branch, what was staged for it, and the decisions in its message.

    `at` and `by` come from the committer, so that a replay, or another clone, writes the same bytes.
    """
    at, by = event.moment(commit.commit_time), commit.committer
    given = masked(Trace(branch=branch or None, decisions=[*staged, *trailers.decisions(commit)]))
    lines = recorded(commit.sha, at, by, given, cut=True)
    for ack in trailers.acks(commit.message):
        because = masked(Trace(summary=ack.because)).summary
        lines.append(_fitting("acked", at, by, commit.sha, {"finding": ack.finding, "because": because}, cut=True))
    return lines


def carried(new: Commit, old: str, how: str) -> bytes:
    """The event that the records of `old` belong to `new` as well; the same bytes in every clone."""
    return event.encode("carried", event.moment(new.commit_time), new.committer, new.sha, {"from": old, "how": how})


def _identified(commit: str, at: str, decision: Decision, position: int) -> dict[str, Any]:
    """A decision as it is stored: an id from content and position, unless it has one (trailers bring theirs)."""
    fields: dict[str, Any] = trace.plain(decision)
    for derived in ("trace_id", "superseded_by"):
        fields.pop(derived, None)
    fields.setdefault("source", "authored")
    if "id" not in fields:
        content = strictjson.dumps(strictjson.sort_keys(fields)).decode()
        fields["id"] = event.decision_id(commit, at, str(position), content)
    return fields


def _groups(decisions: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Decisions in as few groups as keep each near event.TARGET bytes; at least one group, which may be empty."""
    groups: list[list[dict[str, Any]]] = [[]]
    size = 0
    for decision in decisions:
        weight = len(strictjson.dumps(decision))
        if groups[-1] and size + weight > event.TARGET - 512:
            groups.append([])
            size = 0
        groups[-1].append(decision)
        size += weight
    return groups


def _shorter(value: Any, limit: int) -> Any:
    """The same value with every long text cut, and the cut marked; lists of more than 64 items too."""
    if isinstance(value, str):
        return value if len(value) <= limit else value[:limit] + CUT
    if isinstance(value, dict):
        return {key: _shorter(item, limit) for key, item in value.items()}
    if isinstance(value, list):
        short = [_shorter(item, limit // 8 if len(value) > 8 else limit) for item in value[:64]]
        return short if len(value) <= 64 else [*short, CUT] if value and isinstance(value[0], str) else short
    return value
