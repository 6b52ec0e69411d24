"""Notes into the projection: the events of every note, and the decisions in them, in step with the notes ref."""

import json
import sqlite3
from collections.abc import Iterable

from contextgraph.event import Event, Foreign, decode
from contextgraph.fold import Edge, recorded_trace
from contextgraph.index.ancestry import follows
from contextgraph.index.database import Database
from contextgraph.index.history import Progress, insert_decision
from contextgraph.notes import Store

BATCH = 5_000
RETIRING = ("superseded", "redacted", "purged")
"""Events that act on an id (their `target`) wherever it appears."""


class Noted:
    def __init__(self, database: Database, store: Store) -> None:
        self.database = database
        self.store = store

    def cursor(self) -> str | None:
        """The notes commit that the index has seen."""
        return self.database.get("notes")

    def sync(self, tip: str | None, progress: Progress) -> set[str]:
        """Bring the events in step with the notes commit `tip`; returns the keys that changed."""
        cursor = self.cursor()
        if (tip or "") == (cursor or ""):
            return set()
        changed = self.store.since(cursor or None, tip) if tip else None
        with self.database.transaction() as connection:
            if changed is None:
                for table in ("events", "foreign_lines", "links"):
                    connection.execute(f"DELETE FROM {table}")
                connection.execute("DELETE FROM decision_words WHERE rowid IN (SELECT row FROM decisions WHERE origin = 'note')")
                connection.execute("DELETE FROM decisions WHERE origin = 'note'")
            else:
                self._clear(connection, changed)
            keys: set[str] = set(changed or ())
            for done, (key, lines) in enumerate(self.store.events(tip, changed) if tip else (), 1):
                self._insert(connection, key, lines)
                keys.add(key)
                if done % BATCH == 0:
                    progress("reading notes", done)
            self.database.put("notes", tip or "")
        return keys

    def _clear(self, connection: sqlite3.Connection, keys: Iterable[str]) -> None:
        for key in keys:
            connection.execute("DELETE FROM events WHERE key = ?", (key,))
            connection.execute("DELETE FROM foreign_lines WHERE key = ?", (key,))
            connection.execute("DELETE FROM links WHERE new = ?", (key,))
            connection.execute(
                "DELETE FROM decision_words WHERE rowid IN (SELECT row FROM decisions WHERE home = ? AND origin = 'note')", (key,)
            )
            connection.execute("DELETE FROM decisions WHERE home = ? AND origin = 'note'", (key,))

    def _insert(self, connection: sqlite3.Connection, key: str, lines: list[Event | Foreign]) -> None:
        for line in lines:
            if isinstance(line, Foreign):
                connection.execute("INSERT INTO foreign_lines VALUES (?, ?, ?)", (key, line.why, line.newer))
                continue
            target = str(line.body.get("target")) if line.kind in RETIRING else None
            event = (key, line.id, line.kind, line.at, target, line.line)
            connection.execute("INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?, ?)", event)
            if line.kind == "carried" and isinstance(line.body.get("from"), str):
                row = (line.body["from"], line.key, str(line.body.get("how")))
                connection.execute("INSERT OR REPLACE INTO links VALUES (?, ?, ?)", row)
            if line.kind == "recorded" and isinstance(line.body.get("trace"), dict):
                for decision in recorded_trace(line).decisions:
                    insert_decision(connection, decision, key, "note", line.at)

    def straighten(self, keys: Iterable[str]) -> None:
        """Drop the links of new commits and of these keys by which something was carried into what it follows: older versions took
        a commit for the squash of a branch that brought its content again."""
        known = int(self.database.get("linked") or 0)
        rows = self.database.connection.execute(
            "SELECT l.old, l.new FROM links l JOIN commits o ON o.sha = l.old JOIN commits n ON n.sha = l.new WHERE"
            " n.commit_time <= o.commit_time AND (o.id > ? OR n.id > ? OR n.sha IN (SELECT value FROM json_each(?)))",
            (known, known, json.dumps(list(keys))),
        ).fetchall()
        backwards = [(old, new) for old, new in rows if follows(self.database, old, new)]
        if backwards:
            with self.database.transaction() as connection:
                connection.executemany("DELETE FROM links WHERE old = ? AND new = ?", backwards)

    def add(self, lines: Iterable[tuple[str, bytes]]) -> None:
        """Take in lines that were just written to the journal, or that follow from git and may not be written here."""
        with self.database.transaction() as connection:
            for key, line in lines:
                self._insert(connection, key, [decode(line, key)])

    def events(self, shas: Iterable[str]) -> list[Event]:
        """The events of these commits and of everything that was carried into them."""
        found: list[Event] = []
        waiting = set(shas)
        seen: set[str] = set()
        while waiting:
            seen |= waiting
            fresh: list[Event] = []
            for key in waiting:
                for (line,) in self.database.connection.execute("SELECT line FROM events WHERE key = ?", (key,)):
                    event = decode(line, key)
                    if isinstance(event, Event) and not self._backwards(event):
                        fresh.append(event)
            found += fresh
            waiting = {str(each.body.get("from")) for each in fresh if each.kind == "carried"} - seen
        return found

    def _backwards(self, event: Event) -> bool:
        """Whether an event carries something into what it follows (see `straighten`)."""
        return event.kind == "carried" and follows(self.database, str(event.body.get("from")), event.key)

    def held(self, tip: str, events: Iterable[Event]) -> list[Event]:
        """Those of the events that the notes commit `tip` holds; none for the empty string."""
        asked = list(events)
        if not tip or not asked:
            return []
        there = {line for _, lines in self.store.lines(tip, {each.key for each in asked}) for line in lines}
        return [each for each in asked if each.line in there]

    def decisions(self, keys: Iterable[str]) -> set[str]:
        """The ids of the decisions in the notes and messages of these commits."""
        rows = self.database.connection.execute(
            "SELECT id FROM decisions WHERE home IN (SELECT value FROM json_each(?))", (json.dumps(list(keys)),)
        )
        return {identity for (identity,) in rows}

    def retirements(self, names: set[str] | None) -> tuple[list[Event], list[Edge]]:
        """The events that act on ids wherever these appear, and what decisions say they replace.

        With `names` (ids of decisions and events): only what retires these, and what retires that in turn.
        """
        execute = self.database.connection.execute
        if names is None:
            lines = execute("SELECT key, line FROM events WHERE kind NOT IN ('recorded', 'carried')").fetchall()
            edges = execute("SELECT at, '', supersedes, id, NULL FROM decisions WHERE supersedes IS NOT NULL").fetchall()
            return [event for key, line in lines if isinstance(event := decode(line, key), Event)], edges
        events: list[Event] = []
        edges = []
        seen: set[str] = set()
        waiting = names
        while waiting:
            seen |= waiting
            asked = (json.dumps(list(waiting)),)
            acting = "SELECT key, line FROM events WHERE target IN (SELECT value FROM json_each(?))"
            fresh = [event for key, line in execute(acting, asked).fetchall() if isinstance(event := decode(line, key), Event)]
            stated = "SELECT at, '', supersedes, id, NULL FROM decisions WHERE supersedes IN (SELECT value FROM json_each(?))"
            replaced = execute(stated, asked).fetchall()
            events += fresh
            edges += replaced
            waiting = {
                *(str(each.body.get("with")) for each in fresh),
                *(each.id for each in fresh),
                *(edge[3] for edge in replaced),
            } - seen
        return events, edges
