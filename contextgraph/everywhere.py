"""One question to every repository that is set up on this machine, and to those that a Chroma server knows besides."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from contextgraph import registry
from contextgraph.environment import without_repository
from contextgraph.errors import Error, NotFoundError
from contextgraph.graph import Graph
from contextgraph.index.server import Address
from contextgraph.index.text import terms
from contextgraph.query.filters import Filters
from contextgraph.query.search import Answer, Result
from contextgraph.trace import Trace

DOCUMENTS = 5
"""Documents asked of a server for each result: a commit has two or more."""


class Question(msgspec.Struct, frozen=True):
    """What is asked of each repository; `filters` makes the filters there, where a date or a revision is read."""

    text: str
    filters: Callable[[Graph], Filters]
    limit: int
    min_score: float = 0.0
    details: bool = False


class Everywhere(msgspec.Struct):
    """The merged answer, the name of each repository by its `repo`, and what keeps the answer from being whole."""

    answer: Answer
    names: dict[str, str]
    reasons: list[str]


def ask(question: Question, environment: Mapping[str, str], here: Path) -> Everywhere:
    """The best results of all repositories, that of `here` among them if there is one, by score.

    One that cannot be asked is a reason, not a failure. Raises NotFoundError when there is none to ask.
    """
    started = time.perf_counter()
    results: dict[tuple[str, str], Result] = {}  # two clones of one repository answer with the same commits
    names: dict[str, str] = {}
    reasons: list[str] = []
    told: dict[str, list[str]] = {}  # what keeps several from a whole answer is said once, with their names
    asked: list[Graph] = []
    total = 0
    plain = True
    for name, graph in _graphs(environment, here, reasons):
        try:
            graph.catch_up()
            chosen = question.filters(graph)
            answer = graph.search(question.text, chosen, question.limit, question.min_score, question.details)
            repo = graph.repository()
        except (Error, OSError, sqlite3.Error) as error:
            reasons.append(f"{name} was not asked: {getattr(error, 'message', error)}")
            continue
        asked.append(graph)
        plain = plain and chosen == Filters()
        names.setdefault(repo, name)
        for reason in dict.fromkeys(graph.reasons):
            told.setdefault(reason, []).append(name)
        total += answer.total
        for each in answer.results:
            results.setdefault((repo, each.trace.sha or ""), each)
    if not asked and not reasons:
        raise NotFoundError("no repository is set up on this machine", "`cg init` in each one that is to be asked")
    shown = {sha for _, sha in results}  # a fork under another name has the same commits
    remote = [each for each in _remote(question, asked, names, reasons) if each.trace.sha not in shown] if plain else []
    ranked = sorted([*results.values(), *remote], key=lambda each: -each.score)[: question.limit]
    reasons += [f"{', '.join(among)}: {reason}" for reason, among in told.items()]
    milliseconds = int((time.perf_counter() - started) * 1000)
    return Everywhere(Answer(ranked, total + len(remote), milliseconds), names, reasons)


def _graphs(environment: Mapping[str, str], here: Path, reasons: list[str]) -> Iterator[tuple[str, Graph]]:
    """Each repository once, opened, with its name: the one that we are in first."""
    seen: set[Path] = set()
    for number, place in enumerate([here, *registry.listed(environment)]):
        try:
            graph = Graph.open(place, environment if number == 0 else without_repository(environment))
        except NotFoundError as error:
            if number:
                reasons.append(f"{place} was not asked: {error.message}")
            continue  # where we are need not be a repository
        except (Error, OSError) as error:
            reasons.append(f"{place} was not asked: {getattr(error, 'message', error)}")
            continue
        if graph.git.home not in seen:
            seen.add(graph.git.home)
            yield (graph.git.top or graph.git.common_dir).name.removesuffix(".git"), graph


def _remote(question: Question, asked: list[Graph], names: dict[str, str], reasons: list[str]) -> Iterator[Result]:
    """What is on the servers of these repositories and not on this machine."""
    known, servers = list(names), dict[Address, Graph]()
    for graph in asked:
        if address := graph.meaning.address():
            servers.setdefault(address, graph)
    for address, graph in servers.items():
        best: dict[tuple[str, str], Result] = {}
        try:
            hits = graph.meaning.elsewhere(question.text, question.limit * DOCUMENTS, known)
        except Error as error:
            reasons.append(error.message)
            continue
        for hit in hits:
            identity, part = hit.document.partition("/")[::2]
            parts = {"words": _share(question.text, hit.title), "vectors": round(hit.cosine, 4)}
            score = round(sum(parts.values()), 4)
            trace = Trace(id=identity, sha=identity if part else None, repo=hit.repo, summary=hit.title)
            if score >= question.min_score:
                names.setdefault(hit.repo, hit.repo.rstrip("/").rpartition("/")[2].removesuffix(".git")[:40])
                found = Result(trace, score, [], {**parts, "status": 1.0, "remote": address.shown})
                best.setdefault((hit.repo, identity), found)
        yield from best.values()


def _share(question: str, title: str) -> float:
    """The share of the question's words that stand in a title: all that is known of the text of what is not here."""
    words, there = terms(question), set(terms(title))
    return round(sum(word in there for word in words) / len(words), 4) if words else 0.0
