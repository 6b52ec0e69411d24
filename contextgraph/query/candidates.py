"""What may answer a question, and the parts of its score: words, meaning, decisions, exact names, what was taken back."""

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator

import msgspec

from contextgraph.query import lexical
from contextgraph.query.lexical import Words
from contextgraph.query.question import Question
from contextgraph.query.scale import Scale

NAMED, MENTIONED, PATH = 2.0, 1.0, 0.1
"""For the commit, pull request or decision that the question names; for a message that mentions the number; for a path."""
SOURCES = {"authored": 0.10, "trailer": 0.10, "imported": 0.08, "agent": 0.05, "mined": 0.0}
"""What a found decision adds: people before agents before what was mined; a reason on record before a message alike."""
UNDOING, INHERITED = 0.25, 0.10
"""For a commit that takes another back, when the question is about something taken back; over the score of what it took back."""
FAINT_WORDS, FAINT_COSINE = 0.2, 0.35
"""Share of the question, or cosine, below which a text is no answer (unless it explains half as much as the best one does)."""
LOOKED_AT = 200
"""Best candidates whose reverters are looked for; newest commits of a named path."""


class Candidate(msgspec.Struct):
    """One commit. `parts` add up to its score before its status; `relevance` is that of each decision found in it."""

    sha: str
    subject: str
    author_time: int
    commit_time: int
    landed: bool
    parts: dict[str, float]
    relevance: dict[str, dict[str, float]]
    size: bytes = b""

    @property
    def score(self) -> float:
        return sum(self.parts.values())


def gather(
    connection: sqlite3.Connection, question: Question, words: Words, cosines: dict[str, float], condition: str, values: list[object]
) -> list[Candidate]:
    """Every commit that passes the condition and is worth a look, best first by what is known so far."""
    scale = Scale.of(question, words, cosines)
    near = _by_text(cosines)
    names = _named(connection, question)
    faint = min(FAINT_WORDS, max((match.coverage for match in words.commits.values()), default=0.0) / 2)
    own = {sha for sha, match in words.commits.items() if match.coverage >= faint > 0}
    own |= {sha for sha, each in near.items() if max(each.values()) >= FAINT_COSINE}
    if question.undone:  # its answer says little by itself: `Revert "…"` is all that many of them say
        own |= _reverters(connection, (words.commits.keys() | near.keys()) - own)
    found = {key for key, match in words.decisions.items() if match.coverage >= FAINT_WORDS}
    found |= {key for key in own if key.startswith("cg-")} | set(question.decisions)
    relevance: dict[str, dict[str, dict[str, float]]] = {}
    titles = _titles(connection, found)
    for key, shas in homes(connection, found).items():
        parts = scale.parts(titles.get(key, ""), words.decisions.get(key), near.get(key, {}), ("",))
        for sha in shas:
            relevance.setdefault(sha, {})[key] = parts
            if key in question.decisions:
                names[sha] = NAMED
    candidates = {each.sha: each for each in _read(connection, scale, own | names.keys() | relevance.keys(), condition, values)}
    for sha, each in candidates.items():
        whole = ("s", "f") if lexical.has_body(each.size) else ("s",)
        text = scale.parts(each.subject, words.commits.get(sha), near.get(sha, {}), whole) if sha in own else {}
        each.parts = text | each.parts | ({"exact": names[sha]} if sha in names else {})
        each.relevance = relevance.get(sha, {})
    if question.undone:
        _undoing(connection, scale, candidates, condition, values)
    return list(candidates.values())


def _titles(connection: sqlite3.Connection, decisions: Iterable[str]) -> dict[str, str]:
    query = "SELECT d.id, w.title FROM decisions d JOIN decision_words w ON w.rowid = d.row WHERE d.id IN (SELECT value FROM json_each(?))"
    return dict(connection.execute(query, (json.dumps(sorted(decisions)),)))


def homes(connection: sqlite3.Connection, decisions: Iterable[str]) -> dict[str, list[str]]:
    """The commits that each decision is shown with: where it was recorded, or where that was carried onward to."""
    asked = json.dumps(sorted(decisions))
    rows = connection.execute("SELECT id, home FROM decisions WHERE id IN (SELECT value FROM json_each(?))", (asked,)).fetchall()
    onward = _onward(connection, {home for _, home in rows})
    found: dict[str, dict[str, None]] = {}
    for key, home in rows:
        waiting, seen = [home], {home}
        while waiting:
            sha = waiting.pop()
            if sha not in onward:
                found.setdefault(key, {})[sha] = None
            fresh = [new for new in onward.get(sha, []) if new not in seen]
            seen.update(fresh)
            waiting += fresh
    return {key: sorted(shas) for key, shas in found.items()}


def _onward(connection: sqlite3.Connection, shas: set[str]) -> dict[str, list[str]]:
    """What these commits, and whatever those became, were carried into; one query a generation."""
    found: dict[str, list[str]] = {}
    waiting = shas
    while waiting:
        asked = json.dumps(sorted(waiting))
        rows = connection.execute("SELECT old, new FROM links WHERE old IN (SELECT value FROM json_each(?))", (asked,)).fetchall()
        for old, new in rows:
            found.setdefault(old, []).append(new)
        waiting = {new for _, new in rows} - found.keys()
    return found


def _by_text(cosines: dict[str, float]) -> dict[str, dict[str, float]]:
    """The cosines of the documents of each commit (`s`, `f`, `p0`…) and decision (the empty name)."""
    found: dict[str, dict[str, float]] = {}
    for key, cosine in cosines.items():
        name, _, document = key.partition("/")
        found.setdefault(name, {})[document] = cosine
    return found


def _named(connection: sqlite3.Connection, question: Question) -> dict[str, float]:
    """Commits that the question names by sha, by number or by path, and what that is worth."""
    found: dict[str, float] = {}
    for path in question.paths:
        rows = connection.execute(
            "SELECT c.sha FROM commits c WHERE c.id IN (SELECT commit_id FROM touched WHERE path_id IN"
            " (SELECT id FROM paths WHERE path = ? OR path GLOB ? OR path GLOB ?)) ORDER BY c.commit_time DESC LIMIT ?",
            (path, f"{_literal(path)}/*", f"*/{_literal(path)}", LOOKED_AT),
        )
        found |= {sha: PATH for (sha,) in rows}
    for number in question.numbers:
        rows = connection.execute(
            "SELECT c.sha, c.subject FROM words JOIN commits c ON c.id = words.rowid WHERE words MATCH ? LIMIT ?",
            (f'{{subject body}}: "{number}"', LOOKED_AT),
        )
        marked = re.compile(rf"[#!]{number}\b|/(?:pull|issues|merge_requests)/{number}\b")
        found |= {sha: NAMED if marked.search(subject) else MENTIONED for sha, subject in rows}
    for prefix in question.shas:
        found |= {sha: NAMED for (sha,) in connection.execute("SELECT sha FROM commits WHERE sha BETWEEN ? AND ?", (prefix, prefix + "g"))}
    return found


def _read(connection: sqlite3.Connection, scale: Scale, shas: Iterable[str], condition: str, values: list[object]) -> Iterator[Candidate]:
    """Those of the commits that pass the condition, with what their shape says about them."""
    rows = connection.execute(
        "SELECT c.sha, c.subject, c.author_time, c.commit_time, c.landing IS NOT NULL, instr(c.parents, ' ') > 0, c.touches, z.sz"
        " FROM commits c LEFT JOIN words_docsize z ON z.id = c.id"
        f" WHERE c.sha IN (SELECT value FROM json_each(?)) AND {condition}",
        [json.dumps(sorted(shas)), *values],
    )
    for sha, subject, author_time, commit_time, landed, merge, touches, size in rows:
        parts = scale.shape(bool(merge), touches)
        yield Candidate(sha, subject, author_time, commit_time, bool(landed), parts, {}, size or b"")


def _undoing(connection: sqlite3.Connection, scale: Scale, candidates: dict[str, Candidate], condition: str, values: list[object]) -> None:
    """What takes back a good answer is a good answer to a question about something taken back, whatever its own words are."""
    best = sorted(candidates.values(), key=lambda each: -each.score)[:LOOKED_AT]
    rows = connection.execute(
        "SELECT reverter, target FROM reverts WHERE target IN (SELECT value FROM json_each(?))", (json.dumps([each.sha for each in best]),)
    ).fetchall()
    fresh = {reverter for reverter, _ in rows} - candidates.keys()
    candidates |= {each.sha: each for each in _read(connection, scale, fresh, condition, values)}
    inherited: dict[str, dict[str, float]] = {}
    for reverter, target in rows:
        taken = candidates[target].parts | {"inherited": INHERITED}
        if reverter in candidates and sum(taken.values()) > sum(inherited.get(reverter, candidates[reverter].parts).values()):
            inherited[reverter] = taken
    for reverter, parts in inherited.items():
        candidates[reverter].parts = parts
    for sha in _reverters(connection, candidates):
        candidates[sha].parts["undoing"] = UNDOING


def _reverters(connection: sqlite3.Connection, shas: Iterable[str]) -> set[str]:
    """Those of the commits that take another back, or say so."""
    rows = connection.execute(
        "SELECT sha FROM commits WHERE sha IN (SELECT value FROM json_each(?)) AND (subject LIKE 'revert%' OR subject LIKE '%: revert%'"
        " OR sha IN (SELECT sha FROM claims WHERE kind LIKE 'reverts%') OR sha IN (SELECT reverter FROM reverts))",
        (json.dumps(list(shas)),),
    )
    return {sha for (sha,) in rows}


def _literal(path: str) -> str:
    """The path with the signs that GLOB gives a meaning to taken literally."""
    return re.sub(r"([*?\[])", r"[\1]", path)
