"""Decisions strewn over a real history, for measuring a check that needs some: one on each of many landed commits, at random.

A history without decisions says nothing of the rules that need them. Everything in a seed is the repository's own: the choice is
the title of the commit; what it ruled out is a name that the commit took out, words of some message after "instead of" or "rather
than", or another title. Half of them are high-risk or irreversible.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator

from contextgraph import filekind
from contextgraph.capture import record
from contextgraph.event import moment
from contextgraph.graph import Graph
from contextgraph.status import undoing
from contextgraph.trace import Decision, Option, Rejection, Trace

BY = "Seed <seed@example.com>"
_INSTEAD = re.compile(r"\b(?:instead of|rather than|in favou?r of|no longer)\s+((?:[\w.`'/:-]+\s+){1,5}[\w`'/:-]+)", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_]\w{5,}")


def sow(graph: Graph, number: int, seed: int = 0) -> int:
    """Record a decision on `number` landed commits that change code, at the date of each; returns how many found a commit."""
    chance = random.Random(seed)
    query = "SELECT sha, parents, subject, commit_time FROM commits WHERE landing IS NOT NULL AND parents NOT LIKE '% %' AND parents <> ''"
    rows = graph.database.connection.execute(f"{query} ORDER BY sha").fetchall()
    chosen = chance.sample(rows, min(len(rows), number * 2))
    facts = {sha: (subject, when) for sha, _, subject, when in chosen}
    titles = [subject for _, _, subject, _ in rows]
    phrases = _phrases(graph)
    entries: list[tuple[str, bytes]] = []
    for sha, lines in undoing.changes(graph.git, [(sha, parents.split()[0]) for sha, parents, *_ in chosen], largest=20_000):
        paths = sorted({path for path, _, _ in lines if filekind.kind(path) == "code"})
        if paths and len(entries) < number:
            subject, when = facts[sha]
            decision = _decision(chance, subject, _taken_out(lines), phrases, titles)
            entries += [(sha, line) for line in record.recorded(sha, moment(when), BY, Trace(decisions=[decision]))]
    graph.store.append(entries)
    return len(entries)


def _decision(chance: random.Random, subject: str, gone: list[str], phrases: list[str], titles: list[str]) -> Decision:
    sources = [[chance.choice(gone)] if gone else [], [chance.choice(phrases)] if phrases else [], [_object(chance.choice(titles))]]
    option = next(each[0] for each in chance.sample(sources, 3) if each and each[0])
    return Decision(
        options=[Option(description=subject)],
        selected=0,
        rejected=[Rejection(option=option, reason="it was tried before")],
        risk="high" if chance.random() < 0.3 else None,
        reversible=False if chance.random() < 0.3 else None,
        source="authored",
    )


def _object(title: str) -> str:
    """A title less its first word, which says what was done, and what stands before a colon."""
    return " ".join(re.sub(r"\(#\d+\)$", "", title.rpartition(": ")[2]).split()[1:]) or title or "nothing"


def _taken_out(lines: Counter[undoing.Change]) -> list[str]:
    """The names that a change removes from code and adds nowhere."""
    code = [(sign, words) for path, sign, words in lines if filekind.kind(path) == "code"]
    there = {name for sign, words in code if sign == "+" for name in _NAME.findall(words)}
    return sorted({name for sign, words in code if sign == "-" for name in _NAME.findall(words)} - there)


def _phrases(graph: Graph) -> list[str]:
    return sorted({each for message in _messages(graph) for each in _INSTEAD.findall(message)})


def _messages(graph: Graph) -> Iterator[str]:
    assert graph.target is not None
    for field in graph.git.stream("log", "-z", "--no-merges", "--format=%B", graph.target.tips[0]):
        yield " ".join(field.decode("utf-8", "replace").split())
