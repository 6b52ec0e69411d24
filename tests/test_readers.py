"""Every reader against bytes of anybody: what it cannot read it says, or keeps; nothing else is raised, and nothing hangs.

CG_TEST_EXAMPLES sets how many examples each property gets (40); `CG_TEST_EXAMPLES=20000 pytest tests/test_readers.py` runs for long.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contextgraph import capture, claims, config, event, fold, gitconfig, journal, sync, tombstones, transcript
from contextgraph import given as handed
from contextgraph.capture import mined, reflog, spool, staged, trailers
from contextgraph.commits import Commit
from contextgraph.errors import Error
from contextgraph.event import Event, Foreign
from contextgraph.git import NOTES_REF, Git
from contextgraph.graph import Graph
from contextgraph.query.filters import Filters
from tests.conftest import Repo
from tests.strategies import CALM, FREE, WORDS

HERE = settings(CALM, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.differing_executors])
KEY, OTHER = "a" * 40, "b" * 40
AT = "2026-01-01T00:00:00.000Z"
TOKENS = [
    b'"', b"\\", b"{", b"}", b"[", b"]", b":", b",", b"\n", b"\r", b"\r\n", b"\0", b"\x1b[2J", b"\xff", b"\xc3", b"\\u0000", b"\\ud800",
    b"null",
    b"1e999", b"-0", b"9" * 400, b"[" * 400, b'{"a":' * 200, "\u2028\u202e".encode(), b" ", b"\t", b"| ", b": ", b"#", b"=", b"''' ",
    b"v", b"kind",
    b"a" * 3000, b"2026-13-45", b"Decision: ", b"  ", b"..", b"%", b"\x85", "\u0130".encode(),
]  # fmt: skip


@st.composite
def spoiled(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """Something that is right, with a few things cut out, put in, or doubled; or plain noise."""
    data = draw(st.sampled_from([*seeds, b""]))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 12)))
        put = draw(st.sampled_from(TOKENS) | st.binary(max_size=6) | st.just(data[start:end] * 2))
        data = data[:start] + put + data[end:]
    return data


@contextmanager
def quickly(seconds: float = 5.0) -> Iterator[None]:
    began = time.process_time()
    yield
    assert time.process_time() - began < seconds


DECISION: dict[str, Any] = {
    "id": "cg-0123456789ab", "context": "which", "selected": 0,
    "options": [{"description": "a", "pros": ["p"], "cons": []}, {"description": "b"}],
    "reasoning": "because", "source": "authored", "confidence": "0.5", "guard": ["*.py: x+"], "expires": "2027-01-01", "constraints": ["c"],
    "rejected": [{"option": "b", "reason": "no"}], "risk": "low", "reversible": True, "supersedes": "cg-ba9876543210", "related": [KEY],
}  # fmt: skip
TRACE: dict[str, Any] = {
    "summary": "s",
    "decisions": [DECISION],
    "branch": "main",
    "tool_calls": [{"tool": "t", "args": {"x": 1}}],
    "duration": 5,
}
BODIES: list[tuple[str, dict[str, Any]]] = [
    ("recorded", {"trace": TRACE, "session": {"agent": "x", "id": "y", "sha256": "0" * 64}}),
    ("carried", {"from": OTHER, "how": "amend"}),
    ("merged", {"branch": "main", "via": "#12", "landed_at": AT}),
    ("superseded", {"target": "cg-0123456789ab", "with": "cg-ba9876543210", "because": "b"}),
    ("acked", {"finding": "guard-1", "because": "b", "until": "2027-01-01"}),
    ("redacted", {"target": "cg-0123456789ab"}),
    ("purged", {"target": "0123456789abcdef"}),
]
LINES = [event.encode(kind, AT, "Ann <a@example.com>", None, body) for kind, body in BODIES]


def paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each part of a nested value."""
    yield here
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from paths(inner, (*here, name))


@st.composite
def strange(draw: st.DrawFn) -> bytes:
    """An event whose id verifies, and that says what none of ours would: parts are missing, or are something else."""
    kind, body = draw(st.sampled_from(BODIES))
    body = json.loads(json.dumps(body))
    for _ in range(draw(st.integers(1, 3))):
        ways = [each for each in paths(body) if each]
        if not ways:
            break
        way = draw(st.sampled_from(ways))
        inner: Any = body
        for step in way[:-1]:
            inner = inner[step]
        if draw(st.booleans()):
            inner[way[-1]] = draw(FREE | st.sampled_from(["", "-", "x" * 2000, KEY, "cg-", "\x1b[2J", 2**70, -1, [[]], {"": ""}]))
        else:
            del inner[way[-1]]
    at = draw(st.sampled_from([AT, "", "2026", "9999-99-99T99:99:99.999Z", "\u0000"]) | WORDS)
    try:
        return event.encode(draw(st.just(kind) | WORDS), at, draw(WORDS), draw(st.sampled_from([None, KEY, OTHER, "x"])), body)
    except Error:  # what our own writer refuses a stranger's may write, but not with an id that verifies
        return draw(st.sampled_from(LINES))


def everything(found: list[Event | Foreign]) -> None:
    """What is done with events whoever wrote them."""
    events = [each for each in found if isinstance(each, Event)]
    for each in events:
        if isinstance(each.body.get("trace"), dict):
            fold.recorded_trace(each)
    state = fold.fold(events)
    for key in (KEY, OTHER):
        for decision in fold.given_trace(state, key).decisions:
            fold.retire(state, decision)


@HERE
@given(st.lists(spoiled(LINES) | strange(), max_size=6))
def test_event_lines(lines: list[bytes]) -> None:
    with quickly():
        single = [line for data in lines for line in data.split(b"\n") if line.strip()]
        found = [event.decode(line, KEY) for line in single]
        everything(found)
        tombstones.targets(single, KEY)
        purged = {"cg-0123456789ab", "0123456789abcdef"}
        left = tombstones.alive(single, KEY, purged)
        assert tombstones.alive(left, KEY, purged) == left
        assert {each for each, read in zip(single, found, strict=True) if isinstance(read, Foreign) and b'"decisions"' not in each} <= left


@HERE
@given(spoiled([json.dumps(TRACE).encode(), json.dumps({"decisions": [DECISION], "sha": KEY, "status": "landed"}).encode(), b"[]", b"{}"]))
def test_traces_that_are_handed_in(data: bytes) -> None:
    with quickly():
        try:
            handed.parse(data)
        except Error as error:
            assert error.message and "\n" not in error.message


MESSAGES = [
    b"Subject\n\nBody\n\nDecision: a\nContext: q\nRejected: b | slow\nBecause: c\nGuard: *.py: x+\nExpires: 2027-01-01\n",
    b"Revert \"x\"\n\nThis reverts commit " + b"c" * 40 + b".\n\nReverts org/repo#12\n\nAck: guard-1 | fine\nCo-authored-by: A <a@b>\n",
    b"Squashed commit of the following:\n\ncommit " + KEY.encode() + b"\n    Decision: indented\n\nWe decided to use a over b because.\n",
]  # fmt: skip


@HERE
@given(spoiled(MESSAGES))
def test_messages(data: bytes) -> None:
    message = data.decode("utf-8", "replace")
    with quickly():
        commit = Commit(KEY, (OTHER,), "Ann <a@b>", "Ann <a@b>", 1, 1, message)
        trailers.decisions(commit)
        trailers.acks(message)
        trailers.without(message)
        claims.read(message)
        mined.own_words(commit)


POLICIES = [b'[check]\nguard = "error"\npaths = ["src/**: guard=off"]\n', b"[capture]\nwhen = 'always'\n[search]\nlimit = 20\n"]


@HERE
@given(spoiled(POLICIES))
def test_policy_files(tmp_path: Path, data: bytes) -> None:
    (tmp_path / config.POLICY).write_bytes(data)
    with quickly():
        try:
            config.load(tmp_path, {}, {"XDG_CONFIG_HOME": str(tmp_path / "none")})
        except Error as error:
            assert error.message


SPOOLED = [f"commit {KEY} main refs/heads/main\n".encode(), f"pair amend {KEY} {OTHER}\n".encode(), f"skip {KEY}\nmerge\n".encode()]


@HERE
@given(st.lists(spoiled(SPOOLED), max_size=4))
@example([b"\x85"])  # found by 4,000 examples: a blank of Latin-1 was dropped
def test_spools(tmp_path: Path, data: list[bytes]) -> None:
    for old in tmp_path.iterdir():
        old.unlink()
    whole = b"".join(data) + b"\n"
    (tmp_path / "spool").write_bytes(whole)
    with quickly():
        drained = spool.drain(tmp_path)
        spool.finish(tmp_path, drained)
    kept = (tmp_path / "unread").read_bytes() if (tmp_path / "unread").exists() else b""
    known = (b"commit ", b"skip ", b"pair ", b"merge")
    for line in whole.splitlines():
        assert not line.strip() or line.startswith(known) or line in kept, "what is not read is kept"


@HERE
@given(spoiled([json.dumps({"mark": {"offset": 5, "last": "x"}, "decisions": [{"context": "kept"}], "worktree": "main"}).encode()]))
def test_staged_files(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / KEY
    file.write_bytes(data)
    with quickly():
        try:
            staged._load(file)
            assert file.read_bytes() == data
        except Error:
            assert (tmp_path / f"unreadable.{KEY}").read_bytes() == data


@HERE
@given(st.lists(spoiled([KEY.encode() + b" " + line + b"\n" for line in LINES]), max_size=4))
def test_journals(tmp_path: Path, data: list[bytes]) -> None:
    for old in tmp_path.iterdir():
        old.unlink()
    (tmp_path / "000001").write_bytes(b"".join(data))
    ours = journal.Journal(tmp_path)
    with quickly():
        ours.append([(OTHER, LINES[0])])
        found = list(ours.entries())
        ours.position()
    assert (OTHER, LINES[0]) in found, "whatever stood before it"


EXPORTED = [b'{"key":"%s","event":%s}' % (KEY.encode(), line) for line in LINES] + [b'{"key":"%s","foreign":"eA=="}' % KEY.encode()]


@HERE
@given(st.lists(spoiled(EXPORTED), max_size=3))
def test_exports(lines: list[bytes]) -> None:
    with quickly():
        try:
            for key, line, own in transcript.read(lines):
                assert len(key) in (40, 64) and b"\n" not in line
                assert not own or isinstance(event.decode(line, key), Event)
        except Error as error:
            assert error.message.startswith("line ")


REFLOG = [
    f"{KEY} {OTHER} Ann <a@b> 1767225600 +0000\tcommit: x\n".encode(),
    f"{OTHER} {KEY} Ann <a@b> 1767225600 +0000\tcheckout: moving from main to {OTHER}\n".encode(),
    f"{'0' * 40} {KEY} Ann <a@b> 1767225600 +0000\n".encode(),
]


@HERE
@given(st.lists(spoiled(REFLOG), max_size=5), st.integers(0, 400), spoiled(REFLOG))
def test_reflogs(repo: Repo, data: list[bytes], offset: int, last: bytes) -> None:
    log = reflog.files(Git.discover(repo.path)).get("main")
    if log is None or not log.file.is_file():
        pytest.skip("this store of refs has no reflog files")
    log.file.write_bytes(b"".join(data))
    with quickly():
        reflog.since(log, reflog.Mark(offset, last.decode("utf-8", "replace").split("\n")[0]))
        reflog.mark(log)


STATE = [
    b'{"reflogs":{"main":{"offset":5,"last":"x"}},"skipped":1,"skips":[]}', b'{"tip":"' + KEY.encode() + b'","remotes":{}}', b"origin\n",
    b'{"track.branch":{"before":null,"value":"main"}}', b'{"origin":1767225600}',
    b"2026-01-01\nx\n", b"0123456789abcdef\n", b'{"tip":"x","ids":["a"]}',
]  # fmt: skip


@HERE
@given(
    st.sampled_from(["seen", "published", "merged", "asked", "reminded", "pushes", "purged", "clean", "config.made", "waiting"]),
    spoiled(STATE),
)
@example("config.made", b"origin\n")
@example("seen", b'{"\xff":{}}')
@example("merged", b'{"tip":"\xff"}')
def test_files_of_our_own(graphed: Repo, name: str, data: bytes) -> None:
    (graphed.home / name).write_bytes(data)
    git = Git.discover(graphed.path)
    with quickly():
        try:
            graph = Graph.open(graphed.path, {"CG_WORKER": "off", "PATH": ""} | dict(git.environment))
            graph.catch_up()
            graph.remind()
            sync._merged(graph.store)
            capture.seen(git.home)
            gitconfig.put(git, {})
            gitconfig._made(git)
        except Error as error:
            assert error.message
        finally:
            (graphed.home / name).unlink(missing_ok=True)


@settings(HERE, max_examples=max(5, HERE.max_examples // 20))
@given(st.lists(strange() | spoiled(LINES), min_size=1, max_size=30))
def test_strange_events_in_the_notes(graphed: Repo, lines: list[bytes]) -> None:
    """Through store, index and questions; every line is kept."""
    single = {line for data in lines for line in data.split(b"\n") if line.strip()}
    head = graphed.sha()
    git = Git.discover(graphed.path)
    blob = git.text("hash-object", "-w", "--stdin", stdin=b"\n".join(sorted(single)) + b"\n")
    tree = git.text("mktree", stdin=f"100644 blob {blob}\t{head}\n".encode())
    git.run("update-ref", NOTES_REF, graphed.git("commit-tree", tree, "-m", "push"))
    graph = Graph.open(graphed.path)
    with quickly(20):
        graph.catch_up()
        graph.why(head)
        graph.log(Filters(), 10, None, False, True)
        graph.search("because which", Filters(), 10)
        graph.counts()
        graph.check("HEAD")
        graph.track()
    there = {
        line
        for _, found in graph.store.lines(graph.sha_of_notes() if hasattr(graph, "sha_of_notes") else git.text("rev-parse", NOTES_REF))
        for line in found
    }
    purged = tombstones.load(git.home)
    assert tombstones.alive(single, head, purged) <= there | single
