"""Vectors on a Chroma server: a real `chroma run` on this machine, asked by the real program."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contextgraph.embed.small import store_small
from contextgraph.errors import VectorError
from contextgraph.index.server import Address, ServerVectors
from tests.conftest import Repo, sealed

WORDS = ("limit", "retry", "cache", "parser", "token", "queue", "colour", "index")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Chroma server that is stopped at the end."""
    place = tmp_path_factory.mktemp("chroma-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("chroma")), "run", "--path", str(place / "data"), "--host", "127.0.0.1"]
    log = (place / "log").open("wb")
    environment = {name: value for name, value in sealed(place).items() if "proxy" not in name}
    process = subprocess.Popen([*command, "--port", str(port)], cwd=place, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        for _ in range(300):
            try:
                opener.open(f"{url}/api/v2/heartbeat", timeout=2).close()
                break
            except OSError:
                assert process.poll() is None, (place / "log").read_text()
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(20)
        log.close()


@pytest.fixture
def told(graphed: Repo) -> Repo:
    """A repository with a model and some history of its own name; `cg refresh` has not filled any vector yet."""
    store_small()
    return history(graphed)


def history(repo: Repo, name: str = "ours") -> Repo:
    hub = repo.path.parent / f"{repo.path.name}-hub.git"
    repo.run("git", "init", "--quiet", "--bare", str(hub))
    repo.git("remote", "add", "origin", str(hub))
    repo.cg("sync", "-q", "--fetch-only")  # asked once: it has no notes, and no answer says that it may have
    repo.git("remote", "set-url", "origin", f"https://example.com/{name}-{time.monotonic_ns()}.git")
    for number, word in enumerate(WORDS):
        repo.commit(f"Add the {word} to {name}\n\nBecause the {WORDS[number - 1]} was slow without it.")
    return repo


def results(repo: Repo, question: str = "slow without the cache") -> list[tuple[str, float]]:
    done = repo.cg("search", question, "--json")
    answer = json.loads(done.stdout)
    assert answer["reasons"] == [], answer["reasons"]
    assert any("vectors" in each["explain"] for each in answer["results"])
    return [(each["trace"]["sha"], round(each["score"], 3)) for each in answer["results"]]


def count(repo: Repo, url: str) -> int:
    from contextgraph.graph import Graph

    graph = Graph.open(repo.path, {**os.environ, "CG_INDEX_CHROMA_URL": url})
    embedder = graph.meaning.embedder()
    assert embedder is not None
    return graph.meaning.store(embedder).count()


def test_answers_are_those_of_the_local_store_and_a_switch_fills_anew(told: Repo, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told.cg("refresh", "-q")
    local = results(told)
    monkeypatch.setenv("CG_INDEX_CHROMA_URL", server)
    before = json.loads(told.cg("search", "slow without the cache", "--json").stdout)
    assert before["results"] and "not made here yet" in before["reasons"][0]
    told.cg("refresh", "-q")
    assert results(told) == local
    status = json.loads(told.cg("status", "--json").stdout)["index"]
    assert status["vectors_in"] == server and status["vectors_done"] == status["vectors_total"]
    assert f"documents on {server}" in told.cg("status").stdout
    assert "another model or are in another place" in (told.home / "log").read_text()
    there = count(told, server)
    assert there == 16 + 1
    # Back: the local store may be stale by now, so it is made again, and what the server has stays for the other clones.
    monkeypatch.delenv("CG_INDEX_CHROMA_URL")
    assert "not made here yet" in json.loads(told.cg("search", "cache", "--json").stdout)["reasons"][0]
    told.cg("refresh", "-q")
    assert results(told) == local
    assert count(told, server) == there


def test_repositories_in_one_collection_do_not_mix(told: Repo, server: str, template: Path, tmp_path: Path) -> None:
    os.environ["CG_INDEX_CHROMA_URL"] = server
    shutil.copytree(template, tmp_path / "other", symlinks=True)
    other = history(Repo(tmp_path / "other"), "theirs")
    told.cg("refresh", "-q")
    other.cg("refresh", "-q")
    assert count(told, server) == count(other, server) == 17
    shas = set(told.git("rev-list", "--all").split())
    assert {sha for sha, _ in results(told, "limit")} <= shas
    mine = results(told)
    # What is not on this machine is answered with what the server has.
    shutil.rmtree(other.path)
    answer = json.loads(told.cg("search", "--everywhere", "limit", "--json", "-n", "20").stdout)
    remote = [each for each in answer["results"] if each["explain"].get("remote") == server]
    assert {each["trace"]["summary"] for each in remote if "theirs" in each["trace"]["repo"]} >= {"Add the limit to theirs"}
    repo = json.loads(told.cg("status", "--json").stdout)["repo"]
    assert repo not in {each["trace"]["repo"] for each in remote}
    assert "remote Add the limit to theirs" in told.cg("search", "--everywhere", "limit to theirs").stdout
    assert "remote" not in told.cg("search", "--everywhere", "limit", "--author", "Ann").stdout
    # A rebuild takes away what is ours, and nothing else; what the server lost is noticed and made again.
    told.cg("refresh", "-q", "--rebuild")
    assert results(told) == mine
    again = json.loads(told.cg("search", "--everywhere", "limit to theirs", "--json").stdout)
    assert any("theirs" in each["trace"]["repo"] for each in again["results"])


def test_what_a_server_lost_is_noticed_and_added_again(told: Repo, server: str) -> None:
    os.environ["CG_INDEX_CHROMA_URL"] = server
    told.cg("refresh", "-q")
    whole = results(told)
    repo = json.loads(told.cg("status", "--json").stdout)["repo"]
    ServerVectors(Address(server), "any", 1, repo).reset()
    done = json.loads(told.cg("search", "slow without the cache", "--json").stdout)
    assert done["results"] and "vectors are left" in done["reasons"][0]
    told.cg("refresh", "-q")
    assert results(told) == whole
    assert "damaged or incomplete" in (told.home / "log").read_text()


def test_clones_of_one_repository_share_without_emptying_each_other(server: str) -> None:
    one, other = (ServerVectors(Address(server), "shared", 4, "https://example.com/shared.git") for _ in range(2))
    rows = np.eye(4, dtype="f4")
    one.add(["a/s", "b/s"], rows[:2], "", ["A", "B"])
    other.add(["b/s", "c/s"], rows[1:3], "", ["B", "C"])
    assert one.count() == 3
    assert one.healthy(2) and other.healthy(2) and not one.healthy(4)
    other.delete(["c/s", "unknown"])
    assert one.query(rows[0], 5)[0][0] == "a/s" and one.count() == 2
    assert [(hit.document, hit.title) for hit in one.elsewhere(rows[0], 1, [])] == [("a/s", "A")]
    for wrong in (rows[:1], np.full((2, 4), np.nan)):
        with pytest.raises(VectorError):
            one.add(["a/s", "b/s"], wrong, "")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "ftp://nowhere", "http://name:secret@127.0.0.1:9"])
def test_a_server_that_is_away_costs_meaning_and_not_the_answer(told: Repo, url: str) -> None:
    told.cg("refresh", "-q")
    os.environ |= {"CG_INDEX_CHROMA_URL": url, "CG_INDEX_CHROMA_TOKEN": "tok-123"}
    refreshed = told.cg("refresh")
    assert sum("does not answer" in line for line in refreshed.stderr.splitlines()) == 1
    done = told.cg("search", "cache")
    lines = [line for line in done.stdout.splitlines() if line.startswith("incomplete:")]
    assert "Add the cache to ours" in done.stdout and len(lines) == 1, done.stdout
    log = (told.home / "log").read_text()
    for text in (refreshed.stderr, done.stdout, log, told.cg("status").stdout, told.cg("config", "list").stdout):
        assert "tok-123" not in text
    assert "secret" not in refreshed.stderr + done.stdout + log + told.cg("status").stdout
    del os.environ["CG_INDEX_CHROMA_URL"]
    assert results(told), "the vectors here were left alone"


def test_what_failed_to_fill_is_not_tried_again_by_every_question(told: Repo) -> None:
    from contextgraph.graph import Graph
    from contextgraph.refill import PATIENCE

    os.environ["CG_INDEX_CHROMA_URL"] = "http://127.0.0.1:9"
    told.cg("refresh", "-q")
    log = told.home / "log"
    written = log.read_text()
    for _ in range(3):
        told.cg("search", "cache")
    time.sleep(2)  # a process of its own would have failed by then
    assert log.read_text() == written, "no process was started to fail once more"
    graph = Graph.open(told.path)
    assert not graph.refill.may_start()
    with graph.database.transaction():
        graph.database.put("vectors_failed", str(int(time.time()) - PATIENCE - 1))
    assert graph.refill.may_start(), "not for ever"
    del os.environ["CG_INDEX_CHROMA_URL"]
    told.cg("refresh", "-q")
    assert Graph.open(told.path).refill.may_start(), "what has worked since is not waited for"


def test_a_server_that_goes_away_while_one_asks(told: Repo, server: str) -> None:
    os.environ["CG_INDEX_CHROMA_URL"] = server
    told.cg("refresh", "-q")
    whole = results(told)
    from contextgraph.graph import Graph

    with Hanging() as silent:
        graph = Graph.open(told.path, {**os.environ, "CG_INDEX_CHROMA_URL": silent})
        embedder = graph.meaning.embedder()
        assert embedder is not None
        store = ServerVectors(Address(silent), embedder.model_id, embedder.dimensions, "repo", read_seconds=3.0)
        started = time.monotonic()
        with pytest.raises(VectorError, match="does not answer"):
            store.query(np.ones(embedder.dimensions), 5)
        assert time.monotonic() - started < 20
    assert results(told) == whole


class Hanging:
    """A server that accepts and never says a word."""

    def __enter__(self) -> str:
        self.socket = socket.create_server(("127.0.0.1", 0))
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def test_token_tenant_and_database_are_sent_and_a_refusal_is_one_line() -> None:
    seen: list[tuple[str, Any]] = []

    class Recorder(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, dict(self.headers)))
            identity = self.path.endswith("/auth/identity")
            self.send_response(200 if identity else 401)
            self.end_headers()
            known = b'{"user_id":"","tenant":"team","databases":["graph"]}'
            self.wfile.write(known if identity else b'{"error":"AuthError","message":"Permission denied"}')

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

    recorder = HTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=recorder.serve_forever, daemon=True).start()
    try:
        address = Address(f"http://127.0.0.1:{recorder.server_port}", "team", "graph", "tok-123")
        with pytest.raises(VectorError, match="does not answer") as error:
            ServerVectors(address, "model", 4, "repo").count()
    finally:
        recorder.shutdown()
        recorder.server_close()
    assert seen and all(headers["Authorization"] == "Bearer tok-123" for _, headers in seen)
    assert all(headers["X-Chroma-Token"] == "tok-123" for _, headers in seen)
    assert any("team" in path for path, _ in seen)
    assert "tok-123" not in error.value.message and "\n" not in error.value.message


@pytest.mark.parametrize("key", ["index.chroma_url", "index.chroma_token", "index.chroma_tenant", "embed.url", "embed.kind", "embed.key"])
def test_a_repository_cannot_name_a_server(graphed: Repo, key: str) -> None:
    section, _, name = key.partition(".")
    (graphed.path / ".contextgraph.toml").write_text(f'[{section}]\n{name} = "remote"\n')
    done = graphed.cg("search", "base", code=2)
    assert f"`{key}` is a setting of the user" in done.stderr
    assert graphed.cg("config", "set", key, "remote", "--policy", code=2)
