"""The store: events as lines of git notes, safe beside any other writer.

Three layers (EVIDENCE, git notes): the journal keeps our own events, a lock orders our own processes, and the ref only
ever moves by compare-and-swap. Whatever a foreign writer rolls back is published again at the next flush.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from contextgraph import event, notetree, tombstones
from contextgraph.errors import Error, GitError, LockError
from contextgraph.git import NOTES_REF, Git
from contextgraph.journal import Journal
from contextgraph.lock import locked, replace

TRIES = 8
"""Compare-and-swap attempts before the journal alone holds the event: a hot foreign writer can starve any number."""


PATIENCE = 0.5
"""Seconds after which no further attempt is begun: on a busy machine eight of them take a person's time, and the journal is safe."""

MOST = 50_000
"""Lines of one note that are decoded: a second's work. All are kept."""


class Published(msgspec.Struct, frozen=True):
    """Up to which journal position everything is known to be in the notes commit `commit`."""

    commit: str = ""
    segment: str = ""
    offset: int = 0


class Store:
    """The notes of one repository. `tip` is the notes commit of the last look, None when there is no ref."""

    def __init__(self, git: Git) -> None:
        self.git = git
        self.journal = Journal(git.home / "journal")
        self.obstacle: str | None = None
        self._published = git.home / "published"

    def tip(self) -> str | None:
        return self.git.maybe("rev-parse", "--verify", "--quiet", NOTES_REF)

    def append(self, entries: Sequence[tuple[str, bytes]]) -> bool:
        """Record (key, line) pairs: safe once this returns. True when they are in the ref as well already.

        False when they wait in the journal; `obstacle` has the words then, if it was more than a busy ref: what is recorded
        is no failure, and whoever took it for one would record it twice. Raises Error when the journal cannot be written.
        """
        self.journal.append(entries)
        try:
            return self.flush()
        except Error as error:
            self.obstacle = error.message
            return False

    def flush(self, tip: str | None = None) -> bool:
        """Bring everything of the journal into the ref. False when others kept us from it; nothing is lost then.

        `tip` saves a process when the caller has just read the ref.
        """
        if self.settled(tip):
            return True
        try:
            with locked(self.git.home / "lock"):
                begun = time.monotonic()
                for attempt in range(TRIES):
                    if self._publish(attempt):
                        return True
                    if time.monotonic() - begun > PATIENCE:
                        break
        except LockError:
            pass  # whoever holds it publishes the whole journal, ours too
        return False

    def settled(self, tip: str | None) -> bool:
        """Whether the notes commit `tip` is known to hold everything of the journal; no process."""
        return not self.journal.segments() or Published(tip or "-", *self.journal.position()) == self._known()

    def unpublished(self) -> int:
        """How many events of the journal wait for the ref."""
        return sum(map(len, self._lacking(self.tip()).values())) if self.journal.segments() else 0

    def _publish(self, attempt: int) -> bool:
        """One compare-and-swap. True when the ref holds all of the journal."""
        if attempt:
            time.sleep(0.002 * attempt)
        tip = self.tip()
        end = self.journal.position()
        lacking = self._lacking(tip)
        if lacking:
            new = self.write(tip, lacking)
            try:
                self.git.run("update-ref", "-m", "contextgraph", NOTES_REF, new, tip or self.git.null)
            except GitError:
                if self.tip() == tip:  # nobody moved it: git itself cannot write (a full disk, a stale lock file)
                    raise
                return False
            tip = new
        replace(self._published, msgspec.json.encode(Published(tip or "", *end)))
        return True

    def _known(self) -> Published:
        try:
            return msgspec.json.decode(self._published.read_bytes(), type=Published)
        except (OSError, ValueError, msgspec.DecodeError):
            return Published()

    def _lacking(self, tip: str | None) -> dict[str, set[bytes]]:
        """The journal's lines that the notes commit `tip` does not hold, by key.

        What was published is looked at again only where the ref has changed since: the cost does not grow with what is stored.
        """
        known = self._known() if tip else Published()  # a ref that is gone holds nothing, whatever was published once
        start = (known.segment, known.offset)
        touched = set() if known.commit == (tip or "") else self.since(known.commit, tip) if known.commit and tip else None
        wanted: dict[str, set[bytes]] = {}
        for key, line in self.journal.entries(start):
            wanted.setdefault(key, set()).add(line)
        for key, line in self.journal.entries(keys=touched) if touched is None or touched else ():
            wanted.setdefault(key, set()).add(line)
        if tip is not None and wanted:
            for key, there in self.lines(tip, wanted):
                wanted[key] -= set(there)
        purged = tombstones.load(self.git.home)
        return {key: left for key, lines in wanted.items() if (left := tombstones.alive(lines, key, purged))}

    def write(self, tip: str | None, new: dict[str, set[bytes]]) -> str:
        """A notes commit on top of `tip` in which each key's note is the union of what it had and `new`.

        All copies of a key, whatever their fan-out, become one entry `ab/cdef…`: the one written rule of ours. Absent
        commits are ordinary keys. Objects only: no ref moves. Returns the commit's name.
        """
        union = {key: set(lines) for key, lines in new.items()}
        stale: list[str] = []
        if tip is not None:
            entries = notetree.entries(self.git, tip, new)
            stale = [path for paths in entries.values() for path, _ in paths]
            for key, lines in notetree.contents(self.git, entries):
                union[key] |= set(lines)
        return notetree.write(self.git, tip, stale, union)

    def replace(self, tip: str | None, contents: Mapping[str, set[bytes]]) -> str:
        """As `write`, but each key's note becomes exactly these lines, or nothing. Returns the name of the tree."""
        stale = [path for paths in notetree.entries(self.git, tip, contents).values() for path, _ in paths] if tip and contents else []
        return self.git.text("rev-parse", notetree.write(self.git, tip, stale, contents) + "^{tree}")

    def lines(self, tip: str, keys: Iterable[str] | None = None) -> Iterator[tuple[str, list[bytes]]]:
        """(key, lines) of every note in `tip`, or of `keys` alone; the union over all copies of a key."""
        yield from notetree.contents(self.git, notetree.entries(self.git, tip, keys))

    def events(self, tip: str, keys: Iterable[str] | None = None) -> Iterator[tuple[str, list["event.Event | event.Foreign"]]]:
        """As `lines`, decoded, without what is purged. Of a note beyond all measure MOST lines are decoded, events first."""
        purged = tombstones.load(self.git.home)
        for key, lines in self.lines(tip, keys):
            left = list(tombstones.alive(lines, key, purged)) if purged else lines
            if len(left) > MOST:
                left.sort(key=lambda line: (not line.startswith(b'{"at":"'), line))
            decoded = [event.decode(line, key) for line in left[:MOST]]
            if len(left) > MOST:
                decoded.append(event.Foreign(b"", f"{len(left) - MOST:,} lines beyond the {MOST:,} that are read of one note"))
            yield key, decoded

    def since(self, cursor: str | None, tip: str) -> set[str] | None:
        """The keys whose note differs between two notes commits; None when that cannot be said and all must be read."""
        if cursor is None:
            return None
        try:
            names = self.git.run("diff-tree", "-r", "-z", "--name-only", "--no-renames", cursor, tip)
        except GitError:  # the old commit was rolled back and is gone
            return None
        return {key for path in names.split(b"\0") if (key := notetree.key_of(path.decode("utf-8", "replace")))}

    def misplaced(self, tip: str) -> list[str]:
        """The keys of `tip` that stand at another place than our one fan-out rule says, or at several."""
        entries = notetree.entries(self.git, tip, None)
        return sorted(key for key, copies in entries.items() if [path for path, *_ in copies] != [f"{key[:2]}/{key[2:]}"])
