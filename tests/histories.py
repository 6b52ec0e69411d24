"""What the tests of statuses ask again and again: the trace of a commit, as `cg why` has it."""

from contextgraph.graph import Graph
from contextgraph.query.filters import as_of
from contextgraph.trace import Decision, Option, Trace
from tests.conftest import Repo


def graph(repo: Repo) -> Graph:
    """The repository with everything taken in."""
    opened = Graph.open(repo.path)
    opened.catch_up()
    return opened


def trace(repo: Repo, sha: str, moment: str = "") -> Trace:
    opened = graph(repo)
    return opened.view.traces([sha], as_of(opened.git, moment) if moment else None)[0]


def status(repo: Repo, sha: str, moment: str = "") -> str:
    return str(trace(repo, sha, moment).status)


def attach(repo: Repo, sha: str, word: str) -> None:
    """A decision with a word of its own."""
    Graph.open(repo.path).record(sha, Trace(decisions=[Decision(context=word, options=[Option(description="so")], selected=0)]))


def words(repo: Repo, sha: str) -> set[str]:
    return {each.context for each in trace(repo, sha).decisions}


def rules(repo: Repo, sha: str) -> list[str]:
    return [each.rule for each in trace(repo, sha).evidence]


def lines(name: str, count: int = 4) -> str:
    return "".join(f"{name} says line {number}\n" for number in range(count))
