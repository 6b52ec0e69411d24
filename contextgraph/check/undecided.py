"""Paths that the policy wants a recorded decision for."""

from collections.abc import Iterator

from contextgraph import filekind
from contextgraph.check import files
from contextgraph.check.case import Case
from contextgraph.check.finding import Finding, Precedent, make


def check(case: Case) -> Iterator[Finding]:
    """A finding for each pattern of `check.require` that the range touches and no commit of it decides anything about."""
    for glob in case.policy.require:
        touched = [path for path in sorted(case.change.files) if _concerns(glob, path, case.change.files[path].old_path)]
        if not touched:
            continue
        level = case.policy.level("undecided", touched[0])
        if level == "off" or _decided(case, glob):
            continue
        more = "" if len(touched) == 1 else f" and {len(touched) - 1} more"
        commit = case.change.toucher(touched[0])
        yield make(
            "undecided",
            level,
            (glob, *touched),
            f"{touched[0]}{more} changes, and no commit of the range that touches `{glob}` records a decision",
            f"`check.require` lists `{glob}`: add `Decision: …` as a trailer of the commit, or `cg decide '…' --commit {commit[:10]}`",
            Precedent(status="policy", title=f"require {glob}"),
            (glob,),
            commit,
            touched[0],
        )


def _concerns(glob: str, path: str, old: str) -> bool:
    return filekind.kind(path) != "ours" and (files.matches(glob, path) or files.matches(glob, old))


def _decided(case: Case, glob: str) -> bool:
    """Whether a commit of the range that touches such a path carries a decision that somebody stated."""
    touching = {each.sha for each in case.change.commits if any(files.matches(glob, name) for _, name, _ in each.changes)}
    merged = len(case.change.commits[-1].parents) > 1
    stated = (trace for trace in case.traces if any(each.source != "mined" for each in trace.decisions))
    return any(trace.sha in touching or (merged and trace.sha == case.change.head) for trace in stated)
