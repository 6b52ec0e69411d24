"""What a Graph does with other clones: sync, export, import; and what it takes back: supersede, redact, purge, ack."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from contextgraph import event, lifecycle, merge, purge, sync, tombstones, transcript, transfer
from contextgraph.errors import NotFoundError
from contextgraph.graph import Graph
from contextgraph.index import forgetting
from contextgraph.sync import Synced


def sync_with(graph: Graph, remote: str, fetch: bool, push: bool, progress: transfer.Progress) -> Synced:
    """Capture what was made here, then exchange notes with a remote (the empty string: origin, or the only one). Raises Error."""
    name = sync.choose(graph.settings, remote)
    graph.catch_up(history=False)
    return sync.run(graph.store, graph.settings, name, progress, fetch, push)


def export(graph: Graph) -> Iterator[bytes]:
    """Every event as a line of JSON, in a stable order."""
    graph.catch_up(history=False)
    return transcript.write(graph.store, graph.store.tip())


class Imported(msgspec.Struct, frozen=True):
    """How many events were new, were there already, and were left out because they are purged."""

    added: int
    present: int
    purged: int


def import_from(graph: Graph, lines: Iterable[bytes]) -> Imported:
    """Take in what `export` wrote; all of it is read and verified before the first event is kept. Raises BadInputError, Error."""
    entries = list(transcript.read(lines))
    graph.catch_up(history=False)
    ours = {(key, line) for key, line, own in entries if own}
    present, purged, new = transcript.take(graph.store, entries)
    if new:
        graph.store.journal.append(sorted((key, line) for key, fresh in new.items() for line in fresh if (key, line) in ours))
        merge.advance(graph.store, lambda tip: graph.store.write(tip, new))
    return Imported(sum(map(len, new.values())), present, purged)


def supersede(graph: Graph, old: str, new: str, because: str) -> tuple[str, str]:
    """Say that a decision replaces another; returns the ids of both. Raises NotFoundError, UsageError (a circle)."""
    entry = lifecycle.superseded(graph.view, old, new, graph.masked(because), event.moment(time.time()), graph.author())
    graph.store.append([entry])
    return lifecycle.identified(graph.database, old), lifecycle.identified(graph.database, new)


def redact(graph: Graph, identity: str) -> str:
    """Hide a decision or an event, here and in every clone that syncs; returns its whole id. Raises NotFoundError."""
    whole = lifecycle.identified(graph.database, identity)
    graph.store.append([lifecycle.tombstone("redacted", graph.database, whole, event.moment(time.time()), graph.author())])
    return whole


def ack(graph: Graph, finding: str, because: str, until: str) -> str:
    """Accept a finding; the event is kept with HEAD. Returns that commit. Raises UsageError, NotFoundError."""
    commit = graph.resolve("HEAD")
    at = event.moment(time.time())
    graph.store.append([lifecycle.acked(finding, graph.masked(because), until, commit, at, graph.author())])
    return commit


class Purged(msgspec.Struct):
    """What a purge did: the id, the file with the old notes, what people must know, and the remote that was rewritten."""

    id: str
    backup: Path | None
    warnings: list[str] = []
    pushed: str | None = None


def purge_id(graph: Graph, identity: str, push: bool, remote: str, progress: transfer.Progress) -> Purged:
    """Take a decision or event out for good (see `purge`); with `push` out of the remote's history as well, by one leased force.

    Raises NotFoundError, Error. When the push fails, everything here is purged already and the error says what is left to do.
    """
    name = sync.choose(graph.settings, remote) if push else None
    if name:
        sync.run(graph.store, graph.settings, name, progress, push=False)
    graph.catch_up()
    again = identity in tombstones.load(graph.git.home)
    whole = identity if again else lifecycle.identified(graph.database, identity)
    done = Purged(whole, purge.backup(graph.git, graph.store.tip()))
    lease = sync.seen(graph.git, name) if name else None
    entry = None if again else lifecycle.tombstone("purged", graph.database, whole, event.moment(time.time()), graph.author())
    if lifecycle.in_message(graph.database, whole):
        done.warnings.append("it stands in a commit message as well: it is hidden, and only rewriting that commit takes it out")
    texts = forgetting.texts(graph.database, whole)
    tip = purge.rewrite(graph.store, whole, entry)
    purge.forget_history(graph.git)
    forgetting.forget(graph.git.home, texts)
    if failure := graph.reset_index():
        done.warnings.append(f"its vector and its title are still on a server: {failure}; `cg refresh --rebuild` takes them out later")
    graph.catch_up()
    if name:
        transfer.push(graph.git, name, tip, progress, lease=lease or "")
        graph.git.run("update-ref", "-m", "contextgraph: pushed", transfer.tracking(name), tip)
        done.pushed = name
    return done


def find(graph: Graph, identity: str) -> str:
    """The whole id that is meant, or, for one that is purged already, itself. Raises NotFoundError."""
    try:
        return lifecycle.identified(graph.database, identity)
    except NotFoundError:
        if identity in tombstones.load(graph.git.home):
            return identity
        raise
