"""The store: nothing is lost beside any other writer, nothing foreign is changed, and the cost does not grow."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from contextgraph import notetree
from contextgraph.event import Event, Foreign, encode
from contextgraph.git import NOTES_REF, Git
from contextgraph.notes import Store
from tests.conftest import Repo

AT = "2026-11-20T13:00:00.000Z"
A, B, C = "a" * 40, "b" * 40, "c" * 40
FOREIGN = [
    b"a sentence from git notes append",
    b"caf\xe9 in Latin-1",
    b'{"at":"2030","shape":"unheard of","v":17}',
    b'{"at":"2026-11-20T13:00:00.000Z","by":"x","id":"0123456789abcdef","kind":"recorded","v":1}',
    b"\xff\x00\x01",
    b"  led by blanks ",
    b"windows\r",
    b"[" * 5000,
]


def line(text: object) -> bytes:
    return encode("recorded", AT, "Ann <a@b>", None, {"trace": {"summary": str(text)}})


def store_of(repo: Repo) -> Store:
    return Store(Git.discover(repo.path))


def held(store: Store, *keys: str) -> dict[str, set[bytes]]:
    tip = store.tip()
    return {key: set(lines) for key, lines in store.lines(tip, keys or None)} if tip else {}


def tree(repo: Repo) -> list[str]:
    return repo.git("ls-tree", "-r", "--name-only", NOTES_REF).splitlines()


def put(repo: Repo, files: dict[str, bytes]) -> None:
    """A notes commit with exactly these paths, as any other program could have made it."""
    stream = f"commit {NOTES_REF}\ncommitter x <x@y> 1 +0000\ndata 0\ndeleteall\n".encode()
    for path, blob in files.items():
        stream += f"M 100644 inline {path}\ndata {len(blob)}\n".encode() + blob + b"\n"
    repo.git("fast-import", "--quiet", "--force", stdin=stream)


def test_what_is_appended_is_a_note_that_plain_git_shows(repo: Repo) -> None:
    store, sha = store_of(repo), repo.sha()
    assert store.append([(sha, line("b")), (sha, line("a"))])
    assert repo.note() == sorted(line(each).decode() for each in "ab")
    assert tree(repo) == [f"{sha[:2]}/{sha[2:]}"]
    assert store.append([(sha, line("a"))]), "the same again is no new line"
    assert len(repo.note()) == 2
    assert "b" in repo.git("log", "-1", "--notes=contextgraph")
    assert repo.git("status", "--porcelain") == "" and repo.git("fsck", "--strict", "--no-dangling") == ""
    assert repo.git("for-each-ref", "refs/contextgraph") == "", "no scratch ref stays"


def test_absent_commits_are_ordinary_keys(repo: Repo) -> None:
    store = store_of(repo)
    assert store.append([(A, line("x"))])
    assert held(store) == {A: {line("x")}}


@pytest.mark.parametrize("wide", [False, True])
def test_foreign_lines_survive_a_write_byte_for_byte(repo: Repo, tmp_path: Path, wide: bool) -> None:
    if wide:
        repo.git("init", "-q", "--object-format=sha256", str(tmp_path / "wide"))
        repo = Repo(tmp_path / "wide")
    key = "d" * (64 if wide else 40)
    blob = b"\n\n" + b"\n".join(FOREIGN) + b"\n \n" + line("theirs")  # blank lines, and no line feed at the end
    other = f"{'e' * len(key)}"
    put(repo, {key: blob, f"{other[:2]}/{other[2:]}": b"untouched,\n\nnot even sorted", "README": b"no note at all"})
    store = store_of(repo)
    assert store.append([(key, line("ours"))])
    note = subprocess.run(
        ["git", "cat-file", "blob", f"{NOTES_REF}:{key[:2]}/{key[2:]}"], cwd=repo.path, capture_output=True, check=True
    ).stdout
    assert note == b"".join(each + b"\n" for each in sorted([*FOREIGN, line("theirs"), line("ours")]))
    assert sorted(tree(repo)) == ["README", f"{key[:2]}/{key[2:]}", f"{other[:2]}/{other[2:]}"]
    assert repo.git("cat-file", "blob", f"{NOTES_REF}:{other[:2]}/{other[2:]}") == "untouched,\n\nnot even sorted"
    tip = store.tip()
    assert tip
    ((_, read),) = store.events(tip, [key])
    kinds = [type(each) for each in read]
    assert kinds.count(Event) == 2 and kinds.count(Foreign) == len(FOREIGN)
    assert sum(each.newer for each in read if isinstance(each, Foreign)) == 1
    store.append([(key, line("again"))])
    assert held(store, key)[key] == {*FOREIGN, line("theirs"), line("ours"), line("again")}


@pytest.mark.parametrize("length", [40, 64])
def test_every_fan_out_is_read_and_one_entry_is_written(repo: Repo, tmp_path: Path, length: int) -> None:
    if length == 64:
        repo.git("init", "-q", "--object-format=sha256", str(tmp_path / "wide"))
        repo = Repo(tmp_path / "wide")
    key, other = ("ab" * 32)[:length], ("ab" * 31 + "cd")[-length:]
    copies = {path: line(number) + b"\n" for number, path in enumerate(notetree.places(key))}
    put(repo, {**copies, other: b"flat\n", f"{other[:2]}/{other[2:4]}/{other[4:]}": b"deep\n"})
    store = store_of(repo)
    everything = {line(number) for number in range(5)}
    assert held(store, key) == {key: everything}
    assert held(store) == {key: everything, other: {b"flat", b"deep"}}
    assert store.append([(key, line("new"))])
    assert held(store) == {key: everything | {line("new")}, other: {b"flat", b"deep"}}
    assert [path for path in tree(repo) if path.replace("/", "") == key] == [f"{key[:2]}/{key[2:]}"]


def test_reading_from_a_subdirectory_sees_every_note(repo: Repo) -> None:
    store_of(repo).append([(A, line("x"))])
    (repo.path / "aa").mkdir()  # named as the fan-out directory is: ls-tree without --full-tree would list this prefix alone
    below = Store(Git.discover(repo.path / "aa"))
    assert held(below) == {A: {line("x")}}
    assert below.append([(B, line("y"))]) and held(below) == {A: {line("x")}, B: {line("y")}}


def test_worktrees_bare_submodule_and_separate_directories(repo: Repo, tmp_path: Path) -> None:
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side")
    repo.git("clone", "-q", "--bare", str(repo.path), str(tmp_path / "bare.git"))
    repo.git("clone", "-q", "--separate-git-dir", str(tmp_path / "sep.git"), str(repo.path), str(tmp_path / "sep"))
    repo.git("submodule", "--quiet", "add", str(tmp_path / "bare.git"), "sub")
    for place in (tmp_path / "linked", tmp_path / "bare.git", tmp_path / "sep", repo.path / "sub"):
        store = Store(Git.discover(place))
        assert store.append([(A, line(place.name))])
        assert held(store) == {A: {line(place.name)}}
    assert held(store_of(repo)) == {A: {line("linked")}}, "a linked worktree shares the notes, a submodule does not"


def test_without_any_identity_it_writes_all_the_same(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name)
    repo.git("config", "user.useConfigOnly", "true")
    repo.git("config", "core.logAllRefUpdates", "always")
    assert store_of(repo).append([(A, line("x"))])


WRITER = """
import os, sys
from pathlib import Path
from contextgraph.event import encode
from contextgraph.git import Git
from contextgraph.notes import Store
store = Store(Git.discover(Path(".")))
for number in range(int(sys.argv[2])):
    event = encode("recorded", "2026-11-20T13:00:00.000Z", sys.argv[1], None, {"n": number})
    key = ("aaaa", "aaab", "bbbb")[number % 3].ljust(40, "0")
    store.append([(key, event)])
    os.write(1, event + b"\\n")
"""


def writer(repo: Repo, name: str, count: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WRITER, name, str(count)], cwd=repo.path, stdout=subprocess.PIPE, start_new_session=True)


def finished(process: subprocess.Popen[bytes]) -> list[bytes]:
    out, _ = process.communicate()
    return out.split(b"\n")[:-1]


FOREIGN_LOOP = """
n=0
while [ ! -e stop ]; do
    git notes --ref contextgraph append -m f$n $1 2>/dev/null && echo f$n >>said
    n=$((n+1))
    sleep 0.1
done
"""


def test_a_foreign_line_that_comes_in_between_is_not_overwritten(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    sha, store = repo.sha(), store_of(repo)
    store.append([(sha, line("first"))])
    write = notetree.write

    def slowly(*arguments: Any) -> str:
        made = write(*arguments)
        if "foreign" not in repo.note():
            repo.git("notes", "--ref", "contextgraph", "append", "-m", "foreign", sha)
        return made

    monkeypatch.setattr(notetree, "write", slowly)
    assert store.append([(sha, line("second"))])
    assert held(store, sha)[sha] == {b"foreign", line("first"), line("second")}


def test_four_processes_beside_a_foreign_git_notes_loop_lose_nothing(repo: Repo) -> None:
    sha = repo.sha()
    count = 5
    loop = subprocess.Popen(
        ["sh", "-c", FOREIGN_LOOP, "loop", sha],
        cwd=repo.path,
    )
    try:
        written = [event for each in [writer(repo, name, count) for name in "wxyz"] for event in finished(each)]
    finally:
        (repo.path / "stop").touch()
        loop.wait()
    assert len(written) == 4 * count
    store = store_of(repo)
    assert store.flush(), "with nobody else about, the rest is published"
    everything = set().union(*held(store).values())
    assert set(written) <= everything
    # git moves the ref without looking and may drop our lines, which are published again; we must never drop one of its own.
    assert set((repo.path / "said").read_bytes().split()) <= everything
    assert store.unpublished() == 0 and repo.git("fsck", "--strict", "--no-dangling") == ""


def test_a_ref_that_was_rolled_back_is_published_again(repo: Repo) -> None:
    store = store_of(repo)
    store.append([(A, line("old"))])
    old = store.tip()
    store.append([(A, line("a")), (B, line("b"))])
    assert old
    repo.git("update-ref", NOTES_REF, old)
    assert store.unpublished() == 2
    assert store.flush() and held(store) == {A: {line("old"), line("a")}, B: {line("b")}}
    repo.git("update-ref", "-d", NOTES_REF)
    assert held(store) == {} and store.flush()
    assert held(store) == {A: {line("old"), line("a")}, B: {line("b")}}
    put(repo, {A: b"somebody else's history altogether\n"})
    assert store.flush(store.tip()) and held(store)[A] == {b"somebody else's history altogether", line("old"), line("a")}


def test_a_writer_killed_at_any_moment_leaves_nothing_behind_that_stops_or_loses(repo: Repo) -> None:
    kills = int(os.environ.get("CG_TEST_KILLS", "8"))
    chance = random.Random(1)
    acknowledged: list[bytes] = []
    for attempt in range(kills):
        process = writer(repo, f"w{attempt}", 10_000)
        assert process.stdout
        acknowledged.append(process.stdout.readline().rstrip(b"\n"))
        time.sleep(chance.random() * 0.06)
        os.killpg(process.pid, signal.SIGKILL)  # its gits with it
        acknowledged += finished(process)
        # A git of the user's own that is killed leaves this behind as well, and says so; the journal has the event until then.
        (repo.path / ".git" / f"{NOTES_REF}.lock").unlink(missing_ok=True)
    store = store_of(repo)
    assert store.append([(C, line("after"))]), store.obstacle
    everything = set().union(*held(store).values())
    assert set(acknowledged) <= everything
    assert repo.git("fsck", "--strict", "--no-dangling") == ""


def test_a_ref_that_cannot_be_written_keeps_the_event_and_says_why(repo: Repo) -> None:
    store = store_of(repo)
    store.append([(A, line("before"))])
    tip, lock = store.tip(), repo.path / ".git" / f"{NOTES_REF}.lock"
    lock.touch()
    assert store.append([(A, line("waits"))]) is False
    assert store.obstacle and "contextgraph.lock" in store.obstacle
    assert store.tip() == tip and store.unpublished() == 1
    lock.unlink()
    assert store.flush() and held(store) == {A: {line("before"), line("waits")}}


def test_a_full_disk_leaves_nothing_half_written(repo: Repo) -> None:
    """A file-size limit that lets the journal line through and stops git: as full as a disk can be at the worst moment."""
    store = store_of(repo)
    store.append([(A, line("before"))])
    tip = store.tip()
    before = sorted(path.name for path in (repo.path / ".git").iterdir())
    script = """
import resource, sys
from pathlib import Path
from contextgraph.event import encode
from contextgraph.git import Git
from contextgraph.notes import Store
store = Store(Git.discover(Path(".")))
limit = (store.git.home / "journal" / "000001").stat().st_size + 3000
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
import random
noise = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=2500))
big = [("a" * 40, encode("recorded", "2026-11-20T13:00:00.000Z", "x", None, {"noise": noise, "n": n})) for n in range(1)]
print(store.append(big), store.obstacle)
try:
    store.append(big * 3)
except Exception as error:
    print(type(error).__name__, error, error.hint)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=repo.path, capture_output=True, text=True, check=True)
    published, refused = done.stdout.splitlines()
    assert published.startswith(("True", "False"))
    assert refused.startswith("Error the journal in") and "free some space" in refused
    assert sorted(path.name for path in (repo.path / ".git").iterdir()) == before, "no crash report of fast-import"
    assert store.tip() == tip or published.startswith("True")
    assert repo.git("fsck", "--strict", "--no-dangling") == ""
    assert store.append([(A, line("after"))])
    summaries = held(store)[A]
    assert len(summaries) == 3 and {line("before"), line("after")} <= summaries


def test_a_git_that_cannot_write_objects_leaves_no_crash_report(repo: Repo) -> None:
    store = store_of(repo)
    objects = repo.path / ".git" / "objects"
    before = sorted(path.name for path in (repo.path / ".git").iterdir())
    objects.rename(objects.with_name("elsewhere"))
    objects.touch()
    try:
        assert store.append([(A, line("x"))]) is False and store.obstacle
    finally:
        objects.unlink()
        objects.with_name("elsewhere").rename(objects)
    assert sorted(path.name for path in (repo.path / ".git").iterdir()) == sorted([*before, "contextgraph"])
    assert store.flush() and held(store) == {A: {line("x")}}


def spent(store: Store, key: str, event: bytes) -> tuple[int, int]:
    """Processes started, and bytes read by this process and them, for one append."""

    def read() -> int:
        return int(Path("/proc/self/io").read_text().split()[1])

    calls, start = store.git.calls, read()
    assert store.append([(key, event)])
    return store.git.calls - calls, read() - start


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="needs the kernel's count of bytes read")
def test_the_cost_of_an_append_does_not_grow_with_what_is_stored(repo: Repo) -> None:
    store, numbers = store_of(repo), random.Random(1)
    keys = [f"{numbers.getrandbits(160):040x}" for _ in range(4000)]
    store.append([(key, line(key)) for key in keys[:100]])
    few = spent(store, keys[-1], line("one"))
    store.append([(key, line(key)) for key in keys[100:3990]])
    many = spent(store, keys[-2], line("two"))
    assert few[0] == many[0] <= 6
    assert many[1] < 1.5 * few[1] + 20_000, f"{few[1]:,} bytes read at 100 events, {many[1]:,} at 3,990"
    calls = store.git.calls
    assert store.flush(store.tip()) and store.git.calls == calls + 1, "nothing to do costs no process but the look at the ref"
    # After a foreign write the journal is looked at again, but only for the keys that it touched.
    repo.git("notes", "--ref", "contextgraph", "append", "-m", "foreign", repo.sha())
    assert spent(store, keys[-3], line("three"))[0] <= 8


def test_since_names_every_key_that_changed(repo: Repo) -> None:
    store = store_of(repo)
    store.append([(A, line("a")), (B, line("b"))])
    first = store.tip()
    store.append([(B, line("b2")), (C, line("c"))])
    second = store.tip()
    assert first and second
    assert store.since(first, second) == {B, C} == store.since(second, first)
    assert store.since(second, second) == set()
    assert store.since(None, second) is None and store.since("1" * 40, second) is None


def test_a_missing_or_spoilt_cursor_file_is_made_again(repo: Repo) -> None:
    store = store_of(repo)
    store.append([(A, line("a"))])
    for content in (b"", b"{", b'{"commit":5}', b'{"commit":"' + b"1" * 40 + b'","segment":"000009","offset":7}'):
        (repo.home / "published").write_bytes(content)
        assert store.append([(B, line(content))])
        assert held(store)[A] == {line("a")} and line(content) in held(store)[B]
