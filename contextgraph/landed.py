"""What only the host knows, kept by CI: which pull request brought a commit to the branch, as a `merged` event."""

import re

from contextgraph import commits, event
from contextgraph.graph import Graph
from contextgraph.status.landing import landings, parents_between

_NUMBER = re.compile(r"\((#\d+)\)\s*$|^Merge pull request (#\d+)|^Auto merge of (#\d+)|\bSee merge request \S*?(!\d+)", re.MULTILINE)


def record(graph: Graph, base: str, head: str, branch: str, via: str = "") -> dict[str, str]:
    """Record for every commit between `base` and `head` (full shas) the pull request that brought it in: `via`, or the number
    that the title of its landing commit names; commits without either are left alone. Returns {commit: number}.

    Time and author come from the landing commit, so that every run writes the same bytes and says nothing twice.
    Raises GitError, Error (nothing can be written).
    """
    parents = parents_between(graph.git, head, [base])
    brought = landings(parents, head)
    there = {each.sha: each for each in commits.read(graph.git, sorted(set(brought.values())), details=False)}
    told: dict[str, str] = {}
    lines: list[tuple[str, bytes]] = []
    for sha, landing in sorted(brought.items()):
        commit = there[landing]
        number = via or next((group for match in [_NUMBER.search(commit.message)] if match for group in match.groups() if group), "")
        if number:
            told[sha] = number
            at = event.moment(commit.commit_time)
            fields = {"branch": branch, "via": number, "landed_at": at}
            lines.append((sha, event.encode("merged", at, commit.committer, sha, fields)))
    if lines:
        graph.store.append(lines)
    return told
