"""Every known fault by name, with its cure; a fault is a row of `CHECKS`: how to see it, and how to mend it where we may.

`fault` is something that loses data, speed or truth here; `advice` is a choice that costs something.
"""

import sqlite3
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from contextgraph.doctor import here, shared, store
from contextgraph.doctor.finding import Found
from contextgraph.errors import Error
from contextgraph.graph import Graph


class Check(msgspec.Struct, frozen=True):
    """`look` yields what is wrong; `mend` takes it away, and is None where only the user can."""

    name: str
    level: Literal["fault", "advice"]
    look: Callable[[Graph], Iterator[Found]]
    mend: Callable[[Graph], None] | None = None


class Finding(msgspec.Struct, frozen=True):
    name: str
    level: str
    message: str
    cure: str
    fixed: bool = False


CHECKS = (
    Check("index-damaged", "fault", store.index_damaged, store.rebuild_index),  # first: others ask the index
    Check("not-set-up", "fault", here.not_set_up, here.set_up),
    Check("hooks-shadowed", "fault", here.hooks_shadowed),
    Check("hooks-missing", "fault", here.hooks_missing, here.set_up),
    Check("dead-interpreter", "fault", here.dead_interpreter, here.set_up),
    Check("hooks-silent", "fault", here.hooks_silent),
    Check("stale-lock", "fault", here.stale_lock, here.remove_stale_locks),
    Check("clock-skew", "advice", here.clock_skew),
    Check("commit-graph-missing", "advice", here.commit_graph_missing, here.write_commit_graph),
    Check("dangerous-refspec", "fault", shared.dangerous_refspec, shared.remove_dangerous_refspecs),
    Check("rewrite-ref", "fault", shared.rewrite_ref, shared.unset_rewrite_ref),
    Check("notes-never-fetched", "fault", shared.never_fetched, shared.fetch),
    Check("notes-behind", "fault", shared.behind, shared.merge),
    Check("shallow-clone", "advice", shared.shallow),
    Check("partial-clone", "advice", shared.partial),
    Check("journal-unpublished", "fault", store.unpublished, store.publish),
    Check("mixed-fan-out", "fault", store.mixed_fan_out, store.one_fan_out),
    Check("unreadable-lines", "fault", store.unreadable_lines),
    Check("decision-chain", "fault", store.decision_chain),
    Check("no-model", "advice", store.no_model),
    Check("model-damaged", "fault", store.model_damaged),
    Check("vectors-behind", "fault", store.vectors_behind, store.fill_vectors),
)


def examine(graph: Graph, fix: bool) -> list[Finding]:
    """What is wrong now. With `fix` whatever can be mended is, and looked at once more: a finding that stays is not fixed."""
    findings: list[Finding] = []
    for check in CHECKS:
        try:
            found = list(check.look(graph))
        except sqlite3.DatabaseError:
            if not any(each.name == "index-damaged" for each in findings):
                raise
            continue  # it asks the damaged index, which is named already
        if found and fix and check.mend is not None:
            try:
                check.mend(graph)
                left = list(check.look(graph))
            except Error as error:
                left = [msgspec.structs.replace(each, cure=f"{each.cure} ({error.message})") for each in found]
            mended = [each for each in found if each.subject not in {still.subject for still in left}]
            findings += [Finding(check.name, check.level, each.message, each.cure, fixed=True) for each in mended]
            found = left
        findings += [Finding(check.name, check.level, each.message, each.cure) for each in found]
    return findings
