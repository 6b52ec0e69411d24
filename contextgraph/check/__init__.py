"""`cg check`: what a range of commits does against what was decided, and against what was taken back.

`span` finds the commits, `change` what they do, `precedents` what they are held against, `policy` what counts how much;
`rules` is the table of what is looked for. Only what somebody declared, or an exact return of a reverted change, fails.
"""

import time
from collections.abc import Mapping

import msgspec

from contextgraph.capture import trailers
from contextgraph.check import blindness, notes, rules, span
from contextgraph.check.case import Case
from contextgraph.check.change import Change
from contextgraph.check.finding import Accepted, Finding, Report
from contextgraph.check.policy import Policy, with_base
from contextgraph.check.precedents import Precedents
from contextgraph.commits import text
from contextgraph.config import POLICY
from contextgraph.event import Event
from contextgraph.query.view import Moment, View
from contextgraph.trace import Trace

ALWAYS = "9999-12-31T23:59:59.999Z"


class Sight(msgspec.Struct, frozen=True):
    """What is known about what can be seen: settings of git, notes of remotes, and whether they were just asked for."""

    settings: Mapping[str, list[str]]
    tracking: Mapping[str, str]
    fetched: bool = False


def check(
    view: View, words: str, head: str, policy: Policy, sight: Sight, reasons: list[str], today: str = "", past: Moment | None = None
) -> Report:
    """Hold the commits of the range `words` (empty: from where `head` left the target branch) against what was decided.

    `reasons` keep the answer from being whole already. `past`: only what stood then is a precedent. Raises NotFoundError.
    """
    blind = blindness.shallow(view.git)
    reasons = [each for each in reasons if "shallow" not in each] + ([blind] if blind else [])
    meant = span.find(view.git, words, view.target, head, blind is not None)
    if meant.blind:
        reasons = [each for each in reasons if "no target branch" not in each]  # said below, with what cures it in a build
        return Report(meant.text, None, meant.head, 0, [], [], [*dict.fromkeys([*reasons, f"{meant.blind} ({blindness.DEEPEN})"])])
    change = Change(view.git, meant.base, meant.head)
    unseen = None if sight.fetched else blindness.blobs(view.git, sight.settings, change)
    unasked = None if sight.fetched else blindness.notes(view.git, sight.settings, sight.tracking)
    reasons += [each for each in (unasked, unseen) if each]
    reasons += [*blindness.records(view.database), *filter(None, [blindness.unread(view.database)])]
    if unseen or not change.commits:
        return Report(meant.text, meant.base, meant.head, len(change.commits), [], [], reasons)
    case = _case(view, meant, change, policy, today or time.strftime("%Y-%m-%d", time.gmtime()), past)
    found, blind_rule = rules.run(case)
    reasons += [blindness.PROMISED] if blind_rule and blindness.PROMISED not in reasons else []
    if policy.strict:
        found = [msgspec.structs.replace(each, level="error") if each.level == "warning" else each for each in found]
    findings, accepted = _accepted(case, found)
    shown, skipped = _folded(findings)
    return Report(meant.text, meant.base, meant.head, len(change.commits), shown, accepted, reasons, skipped)


def _case(view: View, meant: span.Span, change: Change, policy: Policy, today: str, past: Moment | None) -> Case:
    if past is None and meant.historic:
        reached = _ancestors(view, meant.base) if meant.base else frozenset()
        past = Moment(ALWAYS, 1 << 40, reached)
    if meant.base and POLICY in change.files:
        before = view.git.objects([change.files[POLICY].old_blob]) if change.files[POLICY].old_blob.strip("0") else iter([None])
        policy = with_base(policy, text(next(before) or b""))
    precedents = Precedents(view, past, today, change.shas)
    own = _traces(view, change)
    return Case(view.git, view.database, change, precedents, policy, own, today, view.target.name if view.target else "the target branch")


def _ancestors(view: View, sha: str) -> frozenset[str]:
    """What a commit reaches, itself included, as the index knows it: a tenth of the time of `git rev-list`."""
    parents = dict(view.database.connection.execute("SELECT sha, parents FROM commits"))
    found: set[str] = set()
    waiting = [sha]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += parents.get(each, "").split()
    return frozenset(found)


def _traces(view: View, change: Change) -> list[Trace]:
    """The traces of the range's commits, with the decisions in their messages and what was recorded on them."""
    return view.traces([each.sha for each in change.commits], None, details=False)


def _accepted(case: Case, findings: list[Finding]) -> tuple[list[Finding], list[Accepted]]:
    """What is left, and what somebody accepted: in a message of the range, or by an event in the notes that has not run out."""
    said = {each.finding: (each.because, commit.author, "") for commit in case.change.commits for each in trailers.acks(commit.message)}
    events = case.precedents.view.state([]).acked
    known = {finding: fields for finding, event in events.items() if (fields := _standing(event, case.today))}
    left: list[Finding] = []
    accepted: list[Accepted] = []
    for finding in findings:
        why = said.get(finding.id) or known.get(finding.id)
        if why:
            accepted.append(Accepted(finding, *why))
        else:
            left.append(finding)
    return left, accepted


def _standing(event: Event, today: str) -> tuple[str, str, str] | None:
    """(because, by, until) of an acknowledgement that has not run out."""
    until = str(event.body.get("until") or "")
    if until and until[:10] < today[:10]:
        return None
    return str(event.body.get("because") or ""), event.by, until


def _folded(findings: list[Finding]) -> tuple[list[Finding], int]:
    """At most five notes; how many more there are."""
    remarks = [each for each in findings if each.level == "note"]
    return [each for each in findings if each.level != "note"] + remarks[: notes.MOST], max(0, len(remarks) - notes.MOST)
