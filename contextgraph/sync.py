"""Rules of sharing: what came in is merged, what is ours goes out, nothing is forced and nothing is lost."""

import random
import time
from collections.abc import Callable, Mapping

import msgspec

from contextgraph import merge, tombstones, transfer
from contextgraph.errors import Error, UsageError
from contextgraph.git import Git
from contextgraph.lock import replace
from contextgraph.notes import Store
from contextgraph.refs import TRACKING
from contextgraph.transfer import RejectedError, tracking

TRIES = 12
"""Rounds of fetch, merge and push before a remote that moves all the time is left for later."""


class Synced(msgspec.Struct):
    """What one sync did. `received` and `sent` count events; `warnings` are sentences for people."""

    remote: str
    received: int = 0
    sent: int = 0
    tip: str | None = None
    warnings: list[str] = []


class Lag(msgspec.Struct, frozen=True):
    """How many events are here and not on the remote, and there and not here, as of the last fetch; `fetched`: whether ever."""

    ahead: int
    behind: int
    fetched: bool


def remotes(settings: Mapping[str, list[str]]) -> list[str]:
    """The named remotes of this repository, in the order of its configuration."""
    names = [name[len("remote.") : -len(".url")] for name in settings if name.startswith("remote.") and name.endswith(".url")]
    return list(dict.fromkeys(names))


def choose(settings: Mapping[str, list[str]], asked: str) -> str:
    """The remote to sync with: the one asked for, else origin, else the only one. Raises UsageError, Error."""
    known = remotes(settings)
    if asked:
        if asked not in known:
            raise UsageError(f"there is no remote `{asked}` here", f"known: {', '.join(known)}" if known else "`git remote add` makes one")
        return asked
    if not known:
        raise Error("this repository has no remote to share notes with", "`git remote add origin URL` names one")
    if "origin" in known:
        return "origin"
    if len(known) > 1:
        raise UsageError(f"there are several remotes and none is `origin`: {', '.join(known)}", f"name one: cg sync {known[0]}")
    return known[0]


def partial(settings: Mapping[str, list[str]]) -> bool:
    """Whether this is a partial clone: then blobs come only when they are asked for."""
    return any(name.startswith("remote.") and name.endswith((".promisor", ".partialclonefilter")) for name in settings)


def run(
    store: Store,
    settings: Mapping[str, list[str]],
    remote: str,
    progress: transfer.Progress,
    fetch: bool = True,
    push: bool = True,
) -> Synced:
    """Fetch, merge, push, again while the remote moves in between. Raises Error: one sentence, and nothing is lost then."""
    done = Synced(remote)
    for attempt in range(TRIES):
        if attempt:  # full jitter: clones that collided once must not do so again
            time.sleep(random.uniform(0.02, min(2.0, 0.1 * 2**attempt)))
        if fetch:
            transfer.fetch(store.git, remote, partial(settings), progress)
            _take(store, done, joined=push)
        store.flush()
        done.tip = store.tip()
        if not push or done.tip is None:
            _remember(store, remote)
            return done
        try:
            _give(store, done, progress)
        except RejectedError:
            if fetch:
                continue
            raise
        _remember(store, remote)
        drop_journal(store, seen(store.git, remote))
        return done
    raise RejectedError(f"`{remote}` moves faster than we can follow", "repeat the command; nothing is lost")


def _take(store: Store, done: Synced, joined: bool) -> None:
    """Merge what the tracking ref holds into ours."""
    theirs = seen(store.git, done.remote)
    if theirs is None:
        return
    before = store.tip()
    after = merge.advance(store, lambda tip: _union(store, tip, theirs, joined))
    if before != after:
        done.received += merge.lost(store, after, before) if before else sum(len(lines) for _, lines in store.lines(after))
    if tombstones.load(store.git.home) and joined and not merge.cleansed(store.git, theirs) >= tombstones.load(store.git.home):
        done.warnings.append(
            f"the history of the notes on `{done.remote}` still holds what was purged; `cg purge ID --push` takes it out there"
        )


def _union(store: Store, tip: str | None, theirs: str, joined: bool) -> str:
    return merge.merge(store, tip, theirs, joined) if tip else theirs


def _give(store: Store, done: Synced, progress: transfer.Progress) -> None:
    """Push our notes commit as it is now, unless the remote has it. Raises Error when it would take events away there."""
    git = store.git
    theirs = seen(git, done.remote)
    done.tip = store.tip()
    if done.tip is None or theirs == done.tip:
        return
    if theirs is not None and (missing := merge.lost(store, theirs, done.tip)):
        raise Error(
            f"the notes here have lost {missing} events that `{done.remote}` has, without a tombstone: they are not pushed",
            f"`cg sync {done.remote}` brings them back",
        )
    transfer.push(git, done.remote, done.tip, progress)
    done.sent += merge.lost(store, done.tip, theirs) if theirs else sum(len(lines) for _, lines in store.lines(done.tip))
    git.run("update-ref", "-m", "contextgraph: pushed", tracking(done.remote), done.tip)


def seen(git: Git, remote: str) -> str | None:
    """The notes commit of a remote at the last look."""
    return git.maybe("rev-parse", "--verify", "--quiet", tracking(remote))


def lags(store: Store, names: list[str], tips: Mapping[str, str], ours: str | None) -> dict[str, Lag]:
    """Ahead and behind of each remote. `tips` has the refs that were read already."""
    answer: dict[str, Lag] = {}
    for name in names:
        theirs = tips.get(tracking(name))
        if theirs is None or ours is None:
            everything = sum(len(lines) for _, lines in store.lines(ours or theirs or "")) if ours or theirs else 0
            answer[name] = Lag(everything if ours else 0, everything if theirs else 0, theirs is not None)
        elif theirs == ours:
            answer[name] = Lag(0, 0, True)
        else:
            answer[name] = Lag(merge.lost(store, ours, theirs), merge.lost(store, theirs, ours), True)
    return answer


class Merged(msgspec.Struct, frozen=True):
    """What catch-up merged last: our notes commit after it, and the remotes' tips that it holds."""

    tip: str = ""
    remotes: dict[str, str] = {}


def arrived(store: Store, tips: Mapping[str, str], ours: str | None, partial_clone: bool) -> str | None:
    """Merge what a plain fetch or pull brought in; returns our notes commit after it. No process when nothing is new.

    Raises Error in a partial clone, where a fetch brings notes without their text.
    """
    theirs = {name: tip for name, tip in tips.items() if name.startswith(TRACKING) and name.endswith("/contextgraph")}
    known = _merged(store)
    if not theirs or known == Merged(ours or "", theirs):
        return ours
    for tip in sorted(set(theirs.values())):
        if ours is None or tip not in known.remotes.values() or not merge.descends(store.git, ours, tip):
            if partial_clone and tip not in known.remotes.values():
                raise Error("notes arrived without their text, as in any partial clone", "`cg sync` brings it")
            ours = merge.advance(store, lambda now, tip=tip: _union(store, now, tip, joined=False))  # type: ignore[misc]
    replace(store.git.home / "merged", msgspec.json.encode(Merged(ours or "", theirs)))
    return ours


def _merged(store: Store) -> Merged:
    try:
        return msgspec.json.decode((store.git.home / "merged").read_bytes(), type=Merged)
    except (OSError, msgspec.DecodeError):
        return Merged()


def _remember(store: Store, remote: str) -> None:
    """What a sync has merged needs no second look by the next catch-up."""
    theirs = seen(store.git, remote)
    if theirs is not None:
        known = Merged(store.tip() or "", {**_merged(store).remotes, tracking(remote): theirs})
        replace(store.git.home / "merged", msgspec.json.encode(known))


def drop_journal(store: Store, theirs: str | None) -> int:
    """Delete the journal segments whose every event a remote holds; returns how many. The last one is being written: it stays."""
    dropped = 0
    for segment in store.journal.segments()[:-1] if theirs else ():
        wanted: dict[str, set[bytes]] = {}
        for key, line in store.journal.read(segment):
            wanted.setdefault(key, set()).add(line)
        there = {key: set(lines) for key, lines in store.lines(theirs or "", wanted)} if wanted else {}
        purged = tombstones.load(store.git.home)
        if all(tombstones.alive(lines, key, purged) <= there.get(key, set()) for key, lines in wanted.items()):
            store.journal.drop(segment)
            dropped += 1
    return dropped


def unshared(store: Store, tips: Mapping[str, str], ours: str | None, say: Callable[[str], None], today: str) -> None:
    """Once a day, when REMIND recorded traces or more are in this clone alone, say so. No process while the notes stand still."""
    path = store.git.home / "reminded"
    theirs = sorted(tip for name, tip in tips.items() if name.startswith(TRACKING) and name.endswith("/contextgraph"))
    try:
        day, looked = path.read_text(encoding="ascii", errors="replace").split("\n")[:2]
    except (OSError, ValueError):
        day, looked = "", ""
    now = f"{ours} {' '.join(theirs)}"
    if ours is None or day == today or looked == now or ours in theirs:
        return
    count = min([_recorded(store, ours, tip) for tip in theirs] or [_recorded(store, ours, None)])
    if count >= REMIND:
        say(f"{count} recorded traces are in this clone alone; `cg sync` shares them")
    replace(path, f"{today if count >= REMIND else day}\n{now}\n".encode())


REMIND = 20
"""Unshared traces after which people are told, once a day."""


def _recorded(store: Store, ours: str, theirs: str | None) -> int:
    keys = store.since(theirs, ours) if theirs else None
    there = {key: set(lines) for key, lines in store.lines(theirs, keys)} if theirs and keys else {}
    found = store.lines(ours, keys) if keys is None or keys else ()
    return sum(b'"kind":"recorded"' in line for key, lines in found for line in set(lines) - there.get(key, set()))
