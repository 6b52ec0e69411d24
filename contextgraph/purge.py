"""Taking something out for good: of the ref and its history, the journal, tracking refs and reflogs."""

import time
from pathlib import Path

from contextgraph import merge, tombstones
from contextgraph.errors import Error
from contextgraph.git import NOTES_REF, Git
from contextgraph.notes import Store
from contextgraph.refs import TRACKING


def backup(git: Git, tip: str | None) -> Path | None:
    """A bundle of the notes as they are, readable by its owner alone. It holds what is to be purged: whoever is sure deletes it."""
    if tip is None:
        return None
    directory = git.home / "backup"
    path = directory / f"notes-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{tip[:8]}.bundle"
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Error(f"the backup {path} cannot be written: {error.strerror}", "nothing was purged") from None
    git.run("bundle", "create", "--quiet", str(path), NOTES_REF)
    path.chmod(0o600)  # git makes the file anew
    return path


def rewrite(store: Store, identity: str, entry: tuple[str, bytes] | None) -> str:
    """Drop an id from journal, notes and their history, and put its tombstone (`entry`, None when it is there); returns the new tip.

    The tombstone is in the journal before anything is dropped. The new history is one root commit that names what it left out.
    """
    if entry is not None:
        store.journal.append([entry])
    tombstones.add(store.git.home, [identity])
    purged = tombstones.load(store.git.home)
    store.journal.rewrite(lambda key, line: tombstones.alive([line], key, purged))
    message = "\n".join([merge.CLEANSED, "", *sorted(purged), ""])

    def cleansed(tip: str | None) -> str:
        contents: dict[str, set[bytes]] = {}
        for key, lines in store.lines(tip) if tip else ():
            if (left := tombstones.alive(lines, key, purged)) != set(lines):
                contents[key] = left
        if entry is not None:
            key, line = entry
            there = {line for _, lines in store.lines(tip, [key]) for line in lines} if tip else set()
            contents[key] = contents.get(key, tombstones.alive(there, key, purged)) | {line}
        return merge.compose(store, contents, [], message, base=tip)

    return merge.advance(store, cleansed)


def forget_history(git: Git) -> list[str]:
    """Delete the tracking refs and the reflogs that still name the old history; returns the refs deleted."""
    rows = git.text("for-each-ref", "--format=%(refname) %(objectname)", TRACKING).splitlines()
    gone = []
    for row in rows:
        name, sha = row.split()
        if name.endswith("/contextgraph"):
            git.run("update-ref", "-d", name, sha)
            gone.append(name)
    git.run("reflog", "expire", "--expire=all", "--expire-unreachable=all", NOTES_REF, accept=(0, 1, 128, 255))
    for name in ("merged", "published"):
        (git.home / name).unlink(missing_ok=True)
    return gone
