"""What a question is asked of: the index, the repository and the moment; and whole traces put together from them."""

from collections.abc import Callable, Sequence

import msgspec

from contextgraph import commits, fold
from contextgraph.capture import mined
from contextgraph.commits import Commit
from contextgraph.errors import GitError
from contextgraph.event import moment
from contextgraph.fold import State
from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.index.noted import Noted
from contextgraph.status.branches import Branch
from contextgraph.status.landing import Target
from contextgraph.status.ledger import Ledger, left
from contextgraph.trace import LEFT, BranchStatus, Decision, Trace


class Moment(msgspec.Struct, frozen=True):
    """A point in the past: events with `at` <= at, and what the target branch had reached by `seconds`; where a revision was named,
    that commit and all that it reaches.

    `known` restricts to what the notes commit of that name holds (none for the empty string).
    """

    at: str
    seconds: int
    reached: frozenset[str] | None = None
    known: str | None = None
    revision: str | None = None

    def existed(self, sha: str, when: int) -> bool:
        """Whether a commit made at `when` (Unix seconds) was there. What a revision reaches was, whatever the clocks say."""
        return when <= self.seconds or (self.reached is not None and sha in self.reached)

    def had(self, sha: str, landing: str, when: int) -> bool:
        """Whether the target branch had a commit that came in by another, made at `when`."""
        return self.existed(landing, when) and (self.reached is None or sha in self.reached)


class View:
    """The repository as a question sees it, now or at a moment."""

    def __init__(
        self,
        git: Git,
        database: Database,
        noted: Noted,
        target: Target | None,
        repo: Callable[[], str],
        branches: Sequence[Branch] = (),
        tell: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self.git = git
        self.database = database
        self.noted = noted
        self.target = target
        self.repo = repo
        self.branches = branches
        self.tell = tell
        """Takes a reason for which an answer is not complete."""
        self.messages: dict[str, str] = {}
        """The words of every commit that was read so far, by sha."""
        self._ledgers: dict[Moment | None, Ledger] = {}

    def ledger(self, moment_: Moment | None = None) -> Ledger:
        """Who says what became of a commit, now or as the target branch was at a moment."""
        if moment_ not in self._ledgers:
            self._ledgers[moment_] = self._ledger(moment_)
        return self._ledgers[moment_]

    def _ledger(self, moment_: Moment | None) -> Ledger:
        branch = self.target.name if self.target else None
        if moment_ is None:
            return Ledger(self.database, branch)
        return Ledger(self.database, branch, moment_.had, as_of=moment_.at)

    def elsewhere(self, moment_: Moment | None = None) -> list[Ledger]:
        """The same for each further target branch. What such a branch had at a revision, the times of its commits tell."""
        limit = None if moment_ is None else moment_.seconds
        return [
            Ledger(
                self.database,
                each.name,
                None if limit is None else lambda sha, landing, when, limit=limit: when <= limit,  # type: ignore[misc]
                each.landing,
                moment_.at if moment_ else None,
            )
            for each in self.branches
        ]

    def state(self, shas: Sequence[str], moment_: Moment | None = None, everything: bool = True) -> State:
        """The fold over the events of these commits, of what was carried into them, and of every retirement.

        Without `everything` only of the retirements that concern them: the cost does not grow with what is stored.
        """
        events = self.noted.events(shas)
        names = None if everything else {*(each.id for each in events), *self.noted.decisions({*shas, *(each.key for each in events)})}
        retirements, declared = self.noted.retirements(names)
        if moment_ is not None and moment_.known is not None:
            events = self.noted.held(moment_.known, events)
            retirements = self.noted.held(moment_.known, retirements)
        return fold.fold([*events, *retirements], moment_.at if moment_ else None, declared)

    def traces(self, shas: Sequence[str], moment_: Moment | None = None, details: bool = True) -> list[Trace]:
        """The traces of these commits in the order given. `details`: files and line counts too (one git process for all)."""
        state = self.state(shas, moment_, everything=False)
        found = self._commits(shas, details)
        ledgers = [self.ledger(moment_), *self.elsewhere(moment_)]
        whole = [self._trace(state, sha, found.get(sha), ledgers, details, moment_) for sha in shas]
        return whole if moment_ else self._left(whole)

    def _left(self, traces: list[Trace]) -> list[Trace]:
        """The same traces; the evidence of a pending one says when no branch has it any more."""
        gone = left(self.database, [each.sha or "" for each in traces if each.status == "pending"])
        return [msgspec.structs.replace(each, evidence=[*each.evidence, LEFT]) if each.sha in gone else each for each in traces]

    def with_files(self, traces: Sequence[Trace]) -> list[Trace]:
        """The same traces with files and line counts. Git compares trees for these: worth it only for what is shown."""
        found = self._commits([trace.sha or "" for trace in traces], details=True)
        return [
            msgspec.structs.replace(trace, files=commit.files, stats=commit.stats) if (commit := found.get(trace.sha or "")) else trace
            for trace in traces
        ]

    def _commits(self, shas: Sequence[str], details: bool) -> dict[str, Commit]:
        try:
            found = {commit.sha: commit for commit in commits.read(self.git, shas, details)}
        except GitError:  # one of them is not here: ask for those that are
            asked = "".join(f"{sha}\n" for sha in shas).encode()
            answer = self.git.run("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=asked).decode()
            here = [line.split()[0] for line in answer.splitlines() if line.endswith(" commit")]
            found = {
                commit.sha: commit for commit in (commits.readable(self.git, here) if details else commits.read(self.git, here, False))
            }
        if details and (unread := [commit for commit in found.values() if commit.insertions is None]):
            one = "the changes of 1 commit are" if len(unread) == 1 else f"the changes of {len(unread)} commits are"
            self.tell(f"{one} not counted: their content is not in this clone")
        self.messages |= {sha: commit.message for sha, commit in found.items()}
        return found

    def _trace(self, state: State, sha: str, commit: Commit | None, ledgers: list[Ledger], details: bool, moment_: Moment | None) -> Trace:
        trace = fold.given_trace(state, sha)
        outcome = ledgers[0].outcome(sha)
        elsewhere = [(each.branch or "", each.outcome(sha)) for each in ledgers[1:]]
        known = {name: getattr(outcome, name) for name in ("status", "landed_at", "merged_via", "reverted_by", "relanded_by", "extent")}
        known |= {"repo": self.repo(), "evidence": list(outcome.evidence)}
        known["by_branch"] = [BranchStatus(branch=name, status=each.status, landed_at=each.landed_at) for name, each in elsewhere]
        if commit is None:  # pruned, or beyond a shallow boundary: what was recorded still answers
            return msgspec.structs.replace(trace, files=None, **known)
        committed = moment(commit.commit_time)
        there = moment_ is None or moment_.existed(sha, commit.commit_time)
        decisions = self._with_message(state, trace.decisions, commit) if there else trace.decisions
        return msgspec.structs.replace(
            trace,
            **known,
            author=commit.author,
            timestamp=committed,
            files=commit.files if details else [],
            stats=commit.stats,
            decisions=decisions,
            areas=sorted({*trace.areas, *(each.area for each in decisions if each.area)}),
            summary=trace.summary or commit.subject,
            created_at=trace.created_at or committed,
            updated_at=max(filter(None, [trace.updated_at, outcome.landed_at, committed])),
        )

    def _with_message(self, state: State, recorded: list[Decision], commit: Commit) -> list[Decision]:
        """The recorded decisions and those in the message that no record holds, each once by id, ordered by time."""
        hidden = state.redacted | state.purged | {each.id for each in recorded}
        at = moment(commit.commit_time)
        found = [
            fold.retire(state, msgspec.structs.replace(each, trace_id=commit.sha, timestamp=at))
            for each in mined.own_words(commit)
            if each.id not in hidden
        ]
        return sorted([*recorded, *found], key=lambda each: each.timestamp or "")


def binding(trace: Trace, decision: Decision, today: str) -> bool:
    """Whether a decision is in force: not superseded, not expired on `today` (an RFC 3339 date), its change not reverted.

    What was mined from prose is a guess and binds nobody.
    """
    expired = decision.expires is not None and decision.expires[:10] < today[:10]
    return decision.superseded_by is None and not expired and trace.status != "reverted" and decision.source != "mined"
