"""The filters that search and log share, as SQL where the index knows the answer and as a test on the trace where not."""

import json
import re
from datetime import UTC, datetime
from fnmatch import translate
from functools import lru_cache

import msgspec

from contextgraph.errors import NotFoundError, UsageError
from contextgraph.event import moment
from contextgraph.fold import SPEAKS_FOR_ITSELF
from contextgraph.git import Git
from contextgraph.query import dates
from contextgraph.query.view import Moment
from contextgraph.status.ledger import Ledger
from contextgraph.trace import Trace


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    statuses: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    """Patterns from the top (query/places.py makes them of what was given)."""
    author: str | None = None
    branch: str | None = None
    category: str | None = None
    mode: str | None = None
    since: int | None = None
    until: int | None = None
    decisions: bool = False
    everything: bool = False
    as_of: Moment | None = None

    @property
    def of_records(self) -> bool:
        """Whether only a commit with a record or a decision can pass, and only its trace can tell."""
        return bool(self.areas or self.branch or self.category or self.mode or self.decisions)

    def sql(self, ledger: Ledger) -> tuple[str, list[object]]:
        """A condition on `commits c` and its parameters."""
        parts: list[str] = []
        values: list[object] = []
        if not self.everything:
            onward = ", ".join(f"'{how}'" for how in sorted(SPEAKS_FOR_ITSELF))
            # As of a moment only what had been carried onward by then is hidden.
            then, reached = _existed("new", "(SELECT commit_time FROM commits WHERE sha = new)", self.as_of)
            parts.append(f"NOT EXISTS (SELECT 1 FROM links WHERE old = c.sha AND how IN ({onward}) AND {then})")
            values += reached
            parts.append("(c.gone = 0 OR EXISTS (SELECT 1 FROM events WHERE key = c.sha))")
        if self.of_records:
            recorded = "" if self.decisions or self.category else "EXISTS (SELECT 1 FROM events WHERE key = c.sha) OR "
            parts.append(
                f"({recorded}EXISTS (SELECT 1 FROM decisions WHERE home = c.sha) OR EXISTS (SELECT 1 FROM links WHERE new = c.sha))"
            )
        if self.author:
            parts.append("c.author LIKE ? ESCAPE '\\'")
            values.append(f"%{_literal(self.author)}%")
        for bound, sign in ((self.since, ">="), (self.until, "<=")):
            if bound is not None:
                parts.append(f"c.commit_time {sign} ?")
                values.append(bound)
        then, reached = _existed("c.sha", "c.commit_time", self.as_of)
        parts.append(then)
        values += reached
        if self.statuses:
            named, sets = _statuses(ledger, self.statuses, self.as_of)
            parts.append(named)
            values += sets
        if self.paths:
            one = "p.path = ? OR p.path GLOB ? OR p.path GLOB ?"  # the file, what is under the folder, or a pattern
            wanted = " OR ".join([one] * len(self.paths))
            parts.append(f"c.id IN (SELECT commit_id FROM touched JOIN paths p ON p.id = path_id WHERE {wanted})")
            for path in self.paths:
                plain = path.rstrip("/")
                values += [re.sub(r"\[([*?\[])\]", r"\1", plain), f"{plain}/*", plain]
        return " AND ".join(parts) or "1", values

    def passes(self, trace: Trace) -> bool:
        """What only the trace can tell."""
        return all(
            (
                not self.statuses or trace.status in self.statuses,
                not self.decisions or bool(trace.decisions),
                not self.areas or bool(set(self.areas) & set(trace.areas)),
                self.branch is None or re.match(translate(self.branch), trace.branch or "") is not None,
                self.mode is None or trace.mode == self.mode,
                self.category is None or any(each.category == self.category for each in trace.decisions),
            )
        )


def _existed(sha: str, when: str, as_of: Moment | None) -> tuple[str, list[object]]:
    """`Moment.existed` as SQL, of the commit with that sha and time."""
    if as_of is None:
        return "1", []
    if as_of.reached is None:
        return f"{when} <= {as_of.seconds}", []
    return f"({when} <= {as_of.seconds} OR {sha} IN (SELECT value FROM json_each(?)))", [_listed(as_of.reached)]


@lru_cache(maxsize=1)
def _listed(shas: frozenset[str]) -> str:
    return json.dumps(sorted(shas))


def _statuses(ledger: Ledger, wanted: tuple[str, ...], as_of: Moment | None) -> tuple[str, list[object]]:
    """The condition that a commit has one of these statuses, now or at the moment that the ledger is of."""
    reverted, linked = json.dumps(sorted(ledger.reverted())), json.dumps(sorted(ledger.landed_by_link()))
    among = "c.sha IN (SELECT value FROM json_each(?))"
    then, reached = _existed("c.landing", "(SELECT commit_time FROM commits WHERE sha = c.landing)", as_of)
    there = f"c.landing IS NOT NULL AND {then}"
    if as_of and as_of.reached is not None:
        there, reached = f"{there} AND {among}", [*reached, _listed(as_of.reached)]
    conditions: dict[str, tuple[str, list[object]]] = {
        "reverted": (among, [reverted]),
        "landed": (f"((({there}) OR {among}) AND NOT {among})", [*reached, linked, reverted]),
        "pending": (f"(NOT ifnull(({there}), 0) AND NOT {among} AND NOT {among})", [*reached, linked, reverted]),
    }
    chosen = [conditions[each] for each in wanted]
    return f"({' OR '.join(text for text, _ in chosen)})", [value for _, values in chosen for value in values]


def seconds(git: Git, text: str, option: str) -> int:
    """A date as people write it (ISO 8601, or git's `2 weeks ago`) in Unix seconds. Raises UsageError."""
    try:
        parsed = datetime.fromisoformat(text)
        return int((parsed if parsed.tzinfo else parsed.astimezone(UTC) if len(text) > 10 else parsed.replace(tzinfo=UTC)).timestamp())
    except ValueError:
        pass  # not ISO: git reads many more forms
    if not dates.is_date(text):
        raise UsageError(f"{option}: `{text}` is not a date", "such as 2026-11-20, or `2 weeks ago`")
    return int(git.text("rev-parse", f"--since={text}").removeprefix("--max-age="))


def as_of(git: Git, text: str, option: str = "--as-of") -> Moment:
    """A date or a revision as a moment; a revision means its committer time and its ancestry. Raises UsageError, NotFoundError."""
    plain = re.match(r"\d{4}-\d\d-\d\d", text) is not None
    sha = None if plain else git.maybe("rev-parse", "--verify", "--quiet", "--end-of-options", f"{text}^{{commit}}")
    if sha is None:
        if not plain and not dates.is_date(text):
            raise NotFoundError(f"{option}: `{text}` is neither a date nor a revision", "such as 2026-11-20, v1.2 or HEAD~10")
        when = seconds(git, text, option)
        when += 86399 if re.fullmatch(r"\d{4}-?\d\d-?\d\d", text) else 0  # a day counts to its end
        return Moment(f"{moment(when)[:-4]}999Z", when)
    when = int(git.text("show", "-s", "--format=%ct", sha))
    reached = frozenset(git.text("rev-list", sha).split())
    return Moment(f"{moment(when)[:-4]}999Z", when, reached, revision=sha)


def _literal(text: str) -> str:
    return re.sub(r"([%_\\])", r"\\\1", text)
