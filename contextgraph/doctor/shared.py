"""Faults of sharing: refspecs and settings that lose notes, notes that did not arrive, clones that do not have everything."""

from collections.abc import Iterator

from contextgraph import lag, refill, refs, sync, transfer
from contextgraph.doctor.finding import Found
from contextgraph.git import NOTES_REF
from contextgraph.graph import Graph


def dangerous_refspec(graph: Graph) -> Iterator[Found]:
    for name, value, why in _dangerous(graph):
        yield Found(f"{name} = {value}: {why}", f"git config --unset-all --fixed-value {name} '{value}'", f"{name} {value}")


def remove_dangerous_refspecs(graph: Graph) -> None:
    for name, value, _ in _dangerous(graph):
        graph.git.run("config", "--local", "--fixed-value", "--unset-all", name, value, accept=(0, 5))


def _dangerous(graph: Graph) -> Iterator[tuple[str, str, str]]:
    """(key, value, what it does) of every refspec that writes over our notes or keeps branches back."""
    for name in _names(graph):
        for value in (graph.git.maybe("config", "--local", "--get-all", name) or "").splitlines():
            source, _, target = value.removeprefix("+").partition(":")
            ours = target in (NOTES_REF, "refs/notes/*", "refs/*") or (target.endswith("*") and NOTES_REF.startswith(target[:-1]))
            if name.endswith(".fetch") and ours and not (graph.git.top is None and target == "refs/*"):
                yield (
                    name,
                    value,
                    "a plain fetch writes over notes that were not pushed" if value.startswith("+") else "a diverged ref breaks pull",
                )
            if name.endswith(".push") and source.startswith("refs/notes/"):
                yield name, value, "a bare `git push` pushes this alone, and not the branch"


def _names(graph: Graph) -> list[str]:
    return [name for name in graph.settings if name.startswith("remote.") and name.endswith((".fetch", ".push"))]


def rewrite_ref(graph: Graph) -> Iterator[Found]:
    for value in graph.settings.get("notes.rewriteref", []):
        prefix = value.removesuffix("*")
        if NOTES_REF.startswith(prefix):
            yield Found(
                f"notes.rewriteRef = {value}: git copies notes without looking who else writes, and loses events",
                f"git config --unset-all --fixed-value notes.rewriteRef '{value}'",
                value,
            )


def unset_rewrite_ref(graph: Graph) -> None:
    for value in graph.settings.pop("notes.rewriteref", []):
        graph.git.run("config", "--local", "--fixed-value", "--unset-all", "notes.rewriteRef", value, accept=(0, 5))


def never_fetched(graph: Graph) -> Iterator[Found]:
    for remote in lag.remotes(graph.settings):
        if transfer.tracking(remote) not in graph.refs.tracking and transfer.refspec(remote) not in graph.settings.get(
            f"remote.{remote}.fetch", []
        ):
            yield Found(f"the notes of `{remote}` were never fetched here", f"cg sync {remote}", remote)


def fetch(graph: Graph) -> None:
    for found in never_fetched(graph):
        sync.run(graph.store, graph.settings, found.subject, refill.quiet, push=False)
        graph.git.run("config", "--local", "--add", f"remote.{found.subject}.fetch", transfer.refspec(found.subject))
        graph.settings.setdefault(f"remote.{found.subject}.fetch", []).append(transfer.refspec(found.subject))
    graph.refs = refs.read(graph.git)


def behind(graph: Graph) -> Iterator[Found]:
    lags = lag.lags(graph.store, graph.settings, graph.refs.tracking, graph.notes_tip, 0)
    for remote, each in lags.items():
        if each.fetched and each.behind:
            yield Found(f"{each.behind} events of `{remote}` are not in our notes", f"cg sync {remote}", remote)


def merge(graph: Graph) -> None:
    graph.catch_up()


def shallow(graph: Graph) -> Iterator[Found]:
    if (graph.git.common_dir / "shallow").exists():
        yield Found("a shallow clone: what is beyond its boundary has no status and no `why`", "git fetch --unshallow")


def partial(graph: Graph) -> Iterator[Found]:
    if sync.partial(graph.settings):
        yield Found("a partial clone: notes come without their text, and diffs are fetched one by one", "cg sync brings the notes whole")
