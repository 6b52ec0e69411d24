"""How far the notes of remotes and ours are apart, as this clone knows it: no remote is asked."""

from collections.abc import Callable, Mapping

import msgspec

from contextgraph import merge
from contextgraph.git import NOTES_REF, Git
from contextgraph.lock import replace
from contextgraph.notes import Store
from contextgraph.refs import TRACKING
from contextgraph.transfer import tracking

REMIND = 20
"""Unshared traces after which people are told, once a day."""


class Lag(msgspec.Struct, frozen=True):
    """How many events are here and not on the remote, and there and not here, as of the last fetch; `fetched`: whether ever."""

    ahead: int
    behind: int
    fetched: bool


def remotes(settings: Mapping[str, list[str]]) -> list[str]:
    """The named remotes of this repository, in the order of its configuration."""
    names = [name[len("remote.") : -len(".url")] for name in settings if name.startswith("remote.") and name.endswith(".url")]
    return list(dict.fromkeys(names))


def lags(store: Store, settings: Mapping[str, list[str]], tips: Mapping[str, str], ours: str | None, events: int) -> dict[str, Lag]:
    """Ahead and behind of each remote. `tips` has the refs that were read already, `events` is how many there are here: where
    nothing was fetched from a remote, no note is read for it."""
    answer: dict[str, Lag] = {}
    for name in remotes(settings):
        theirs = tips.get(tracking(name))
        if theirs is None:
            answer[name] = Lag(events, 0, was_asked(store.git, settings, tips, name))
        elif ours is None:
            answer[name] = Lag(0, sum(len(lines) for _, lines in store.lines(theirs)), True)
        elif theirs == ours:
            answer[name] = Lag(0, 0, True)
        else:
            answer[name] = Lag(merge.lost(store, ours, theirs), merge.lost(store, theirs, ours), True)
    return answer


def unasked(git: Git, settings: Mapping[str, list[str]], tips: Mapping[str, str]) -> str | None:
    """The remote, origin or the only one, that was never asked for its notes; None when it was, or when that cannot be told."""
    names = remotes(settings)
    name = "origin" if "origin" in names else names[0] if len(names) == 1 else None
    return None if name is None or was_asked(git, settings, tips, name) else name


def was_asked(git: Git, settings: Mapping[str, list[str]], tips: Mapping[str, str], name: str) -> bool:
    """Whether a remote was asked for its notes, as far as that can be told.

    A fetch that finds none leaves no ref. What is left then is FETCH_HEAD, when it is younger than our refspec, or what
    `cg sync` remembers. FETCH_HEAD names our ref after a fetch straight into it, too.
    """
    if tracking(name) in tips or name in _asked(git):
        return True
    heads = [head for head in {git.git_dir / "FETCH_HEAD", git.common_dir / "FETCH_HEAD"} if head.is_file()]
    if any(f"'{NOTES_REF}' of ".encode() in head.read_bytes() for head in heads):
        return True
    sources = [spec.lstrip("+").partition(":")[0] for spec in settings.get(f"remote.{name}.fetch", [])]
    if not any((source.endswith("*") and NOTES_REF.startswith(source[:-1])) or source == NOTES_REF for source in sources):
        return False
    made = git.home / "config.made"
    return not made.is_file() or any(head.stat().st_mtime >= made.stat().st_mtime for head in heads)


def asked(git: Git, remote: str) -> None:
    """Remember that a remote was asked, whatever it had."""
    if remote not in _asked(git):
        replace(git.home / "asked", "".join(f"{name}\n" for name in [*_asked(git), remote]).encode("utf-8", "surrogateescape"))


def _asked(git: Git) -> list[str]:
    try:
        return (git.home / "asked").read_text(encoding="utf-8", errors="surrogateescape").split("\n")[:-1]
    except OSError:
        return []


def unshared(
    store: Store, tips: Mapping[str, str], ours: str | None, recorded: Callable[[], int], say: Callable[[str], None], today: str
) -> None:
    """Once a day, when REMIND recorded traces or more are in this clone alone, say so. No process while the notes stand still.

    `recorded` counts those that are here, for a clone that has no remote's notes.
    """
    path = store.git.home / "reminded"
    theirs = sorted(tip for name, tip in tips.items() if name.startswith(TRACKING) and name.endswith("/contextgraph"))
    try:
        day, looked = path.read_text(encoding="ascii", errors="replace").split("\n")[:2]
    except (OSError, ValueError):
        day, looked = "", ""
    now = f"{ours} {' '.join(theirs)}"
    if ours is None or day == today or looked == now or ours in theirs:
        return
    count = min(_recorded(store, ours, tip) for tip in theirs) if theirs else recorded()
    if count >= REMIND:
        say(f"{count} recorded traces are in this clone alone; `cg sync` shares them")
    replace(path, f"{today if count >= REMIND else day}\n{now}\n".encode())


def _recorded(store: Store, ours: str, theirs: str) -> int:
    keys = store.since(theirs, ours)
    there = {key: set(lines) for key, lines in store.lines(theirs, keys)} if keys else {}
    found = store.lines(ours, keys) if keys is None or keys else ()
    return sum(b'"kind":"recorded"' in line for key, lines in found for line in set(lines) - there.get(key, set()))
