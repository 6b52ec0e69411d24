"""Faults of what is stored: journal, notes, index, model, vectors."""

import sqlite3
from collections.abc import Iterator

from contextgraph import fold, merge, refill
from contextgraph.doctor.finding import Found
from contextgraph.errors import EmbeddingError, VectorError
from contextgraph.graph import Graph


def unpublished(graph: Graph) -> Iterator[Found]:
    waiting = graph.store.unpublished()
    if waiting:
        yield Found(f"{waiting} events of the journal are not in the notes ref", "cg refresh")


def publish(graph: Graph) -> None:
    graph.store.flush()
    graph.notes_tip = graph.store.tip()


def mixed_fan_out(graph: Graph) -> Iterator[Found]:
    mixed = graph.store.misplaced(graph.notes_tip) if graph.notes_tip else []
    if mixed:
        yield Found(f"{len(mixed)} notes do not stand where our one fan-out rule puts them, such as {mixed[0][:12]}", "cg doctor --fix")


def one_fan_out(graph: Graph) -> None:
    tip = graph.notes_tip
    if tip:
        graph.notes_tip = merge.advance(
            graph.store, lambda now: graph.store.write(now, {key: set() for key in graph.store.misplaced(now or tip)})
        )


def unreadable_lines(graph: Graph) -> Iterator[Found]:
    rows = graph.database.connection.execute("SELECT count(*), min(key), count(DISTINCT key), sum(newer) FROM foreign_lines").fetchone()
    if rows[0]:
        newer = f", {rows[3]} of them from a newer version of contextgraph" if rows[3] else ""
        cure = "upgrade contextgraph" if rows[3] else f"git notes --ref contextgraph show {rows[1][:12]}"
        yield Found(
            f"{rows[0]} lines in {rows[2]} notes are not ours to read{newer}, such as on {rows[1][:12]}; they are kept as they are", cure
        )


def decision_chain(graph: Graph) -> Iterator[Found]:
    """Circles in what replaces what, and replacements of decisions that nobody has."""
    events, declared = graph.view.noted.retirements(None)
    state = fold.fold(events, None, declared)
    for problem in state.problems:
        yield Found(f"{problem}; the earlier one counts", "cg supersede says which one holds", problem)
    for old in sorted(state.superseded):
        known = graph.database.connection.execute(
            "SELECT 1 FROM decisions WHERE id = ? UNION SELECT 1 FROM commits WHERE sha BETWEEN ? AND ?", (old, old, old + "g")
        ).fetchone()
        if not known:
            yield Found(f"{state.superseded[old].by_id} supersedes {old}, which nobody here knows", "cg sync may bring it", old)


def index_damaged(graph: Graph) -> Iterator[Found]:
    try:
        words = graph.database.connection.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        words = str(error)
    if words != "ok":
        yield Found(f"the index {graph.database.path} is damaged: {words}", "cg refresh --rebuild")


def rebuild_index(graph: Graph) -> None:
    graph.reset_index()
    graph.catch_up()


def no_model(graph: Graph) -> Iterator[Found]:
    if not graph.meaning.model_state()["installed"]:
        yield Found("no embedding model: search is by words alone", "cg model install")


def model_damaged(graph: Graph) -> Iterator[Found]:
    state = graph.meaning.model_state()
    if state["problem"]:
        yield Found(f"the embedding model is damaged: {state['problem']}", "cg model install")


def vectors_behind(graph: Graph) -> Iterator[Found]:
    state = graph.index_state()
    model = graph.meaning.model_state()
    if not graph.config.flag("index.vectors") or not model["installed"] or model["problem"] or graph.refill.busy():
        return
    if state["vectors_done"] < state["vectors_total"]:
        yield Found(f"vectors are at {state['vectors_done']} of {state['vectors_total']}", "cg refresh", "behind")
    try:
        sound = graph.refill.healthy()
    except (EmbeddingError, VectorError) as error:
        graph.note(f"vectors: {error.message}")
        yield Found(error.message, error.hint or "cg refresh", "unknown")
        return
    if not sound:
        yield Found("the vector store does not hold what was put into it", "cg refresh makes it again", "damaged")


def fill_vectors(graph: Graph) -> None:
    graph.embed(refill.quiet)
