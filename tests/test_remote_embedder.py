"""Embeddings of a server: a real little one in this process, with the shape of OpenAI's `/v1/embeddings`."""

import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contextgraph.embed.remote import BATCH, RemoteEmbedder
from contextgraph.embed.small import store_small
from contextgraph.errors import EmbeddingError
from tests.conftest import Repo

KEY = "key-4711-very-private"
Answer = Callable[[list[str]], tuple[int, bytes, dict[str, str]]]


def vector(text: str, width: int) -> list[float]:
    """Texts that share words are near: a place for each word, by its letters."""
    found = np.full(width, 0.01)
    for word in re.findall("[a-z]+", text.lower()):
        found[sum(map(ord, word)) % width] += 1
    return [float(each) for each in found * 3]  # not of length 1: that is ours to do


class Embeddings:
    """The server: what it was asked, and how it answers."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.width = 16
        self.answer: Answer = self.usual
        embeddings = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or b'{"input": []}')
                embeddings.requests.append((self.path, dict(self.headers), body))
                code, data, headers = embeddings.answer(body["input"])
                self.send_response(code)
                for name, value in {**headers, "Content-Length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                """Nothing on stderr."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def usual(self, texts: list[str]) -> tuple[int, bytes, dict[str, str]]:
        rows = [{"index": n, "embedding": vector(text, self.width), "object": "embedding"} for n, text in enumerate(texts)]
        return 200, json.dumps({"data": rows[::-1], "model": "m", "usage": {"total_tokens": 1}}).encode(), {}

    @property
    def texts(self) -> list[str]:
        return [text for _, _, body in self.requests for text in body["input"]]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Embeddings]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name)
    embeddings = Embeddings()
    yield embeddings
    embeddings.server.shutdown()
    embeddings.server.server_close()


@pytest.fixture
def told(graphed: Repo, server: Embeddings, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """A repository whose user has chosen that server."""
    for word in ("limit", "retry", "cache"):
        graphed.commit(f"Add the {word}\n\nBecause the {word} was asked for.")
    for name, value in {"KIND": "remote", "URL": server.url, "MODEL": "first", "KEY": KEY}.items():
        monkeypatch.setenv(f"CG_EMBED_{name}", value)
    return graphed


def ask(repo: Repo, question: str = "asked for a cache") -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(repo.cg("search", question, "--json").stdout)
    return answer


def test_vectors_come_back_in_order_and_of_length_one(server: Embeddings) -> None:
    embedder = RemoteEmbedder(server.url + "/", "first", KEY)
    texts = [f"text {chr(97 + n % 26) * (n // 26 + 1)}" for n in range(BATCH + 5)]
    rows = embedder.embed(texts)
    assert rows.shape == (BATCH + 5, 16) and rows.dtype == np.float32 and embedder.dimensions == 16
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    wanted = np.array([vector(text, 16) for text in texts])
    assert np.allclose(rows, wanted / np.linalg.norm(wanted, axis=1, keepdims=True), atol=1e-5)
    assert [len(body["input"]) for _, _, body in server.requests] == [BATCH, 5]
    path, headers, body = server.requests[0]
    assert path == "/v1/embeddings" and headers["Authorization"] == f"Bearer {KEY}" and body["model"] == "first"
    assert embedder.embed([]).shape == (0, 16)
    assert embedder.embed(["", "a lone \udce9"]).shape == (2, 16)
    assert "" not in server.texts


def test_search_through_it_and_another_model_embeds_anew(told: Repo, server: Embeddings, monkeypatch: pytest.MonkeyPatch) -> None:
    told.cg("refresh", "-q")
    assert {"Add the cache", "Add the limit"} <= set(server.texts)
    answer = ask(told)
    assert answer["complete"] and answer["results"][0]["trace"]["summary"] == "Add the cache"
    assert answer["results"][0]["explain"]["vectors"] > 0
    status = json.loads(told.cg("status", "--json").stdout)
    assert status["model"]["id"].startswith("remote-first-") and status["index"]["vectors_done"] == status["index"]["vectors_total"] > 0
    # Nothing new is asked for twice.
    server.requests.clear()
    told.cg("refresh", "-q", "--rebuild")
    assert set(server.texts) <= {"dimensions"}
    # Another model: its vectors are of another width, and none of the first one's are used.
    monkeypatch.setenv("CG_EMBED_MODEL", "second")
    server.width = 24
    between = ask(told)
    assert between["results"] and "not made here yet" in between["reasons"][0]
    told.cg("refresh", "-q")
    assert {"Add the cache", "Add the limit"} <= set(server.texts)
    assert ask(told)["complete"]
    # The installed model, and back: the cache still has the first one's.
    store_small()
    monkeypatch.setenv("CG_EMBED_KIND", "onnx")
    told.cg("refresh", "-q")
    assert ask(told)["complete"]
    monkeypatch.setenv("CG_EMBED_KIND", "remote")
    monkeypatch.setenv("CG_EMBED_MODEL", "first")
    server.width = 16
    server.requests.clear()
    told.cg("refresh", "-q")
    assert set(server.texts) <= {"dimensions"}
    assert [each["trace"]["sha"] for each in ask(told)["results"]] == [each["trace"]["sha"] for each in answer["results"]]


def broken(kind: str, server: Embeddings) -> Answer:
    def odd(change: Callable[[list[Any]], object]) -> Answer:
        def answer(texts: list[str]) -> tuple[int, bytes, dict[str, str]]:
            rows = json.loads(server.usual(texts)[1])["data"]
            return 200, json.dumps(change(rows)).encode(), {}

        return answer

    private = f'{{"error": "no such key: {KEY}"}}'.encode()
    table: dict[str, Answer] = {
        "401": lambda _: (401, private, {}),
        "500": lambda _: (500, private, {}),
        "redirect": lambda _: (302, b"", {"Location": server.url + "/elsewhere"}),
        "no json": lambda _: (200, b"<html>", {}),
        "too deep": lambda _: (200, b"[" * 100_000, {}),
        "a list": odd(lambda rows: rows),
        "no data": odd(lambda rows: {"object": "list"}),
        "one too few": odd(lambda rows: {"data": rows[1:]}),
        "words": odd(lambda rows: {"data": [{**row, "embedding": "AAAA"} for row in rows]}),
        "ragged": odd(lambda rows: {"data": [{**row, "embedding": row["embedding"][: 4 + row["index"]]} for row in rows]}),
        "empty": odd(lambda rows: {"data": [{**row, "embedding": []} for row in rows]}),
        "zero": odd(lambda rows: {"data": [{**row, "embedding": [0.0] * 16} for row in rows]}),
        "not a number": odd(lambda rows: {"data": [{**row, "embedding": [float("nan")] * 16} for row in rows]}),
    }
    return table[kind]


KINDS = "401;500;redirect;no json;too deep;a list;no data;one too few;words;ragged;empty;zero;not a number".split(";")


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_is_none_is_one_clear_line_without_the_key(kind: str, server: Embeddings) -> None:
    server.answer = broken(kind, server)
    with pytest.raises(EmbeddingError) as error:
        RemoteEmbedder(server.url, "first", KEY).embed(["one", "two", "three"])
    assert "\n" not in error.value.message and server.url in error.value.message
    assert KEY not in f"{error.value.message} {error.value.hint}"
    assert len(server.requests) == 1, "nothing is sent to where a redirection points"
    if kind == "401":
        assert "401" in error.value.message and error.value.hint == "set CG_EMBED_KEY"


def test_a_server_that_is_away_slow_or_none() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://name:{KEY}@127.0.0.1:{silent.getsockname()[1]}"
        for each in (RemoteEmbedder("http://127.0.0.1:9", "m", KEY), RemoteEmbedder(url, "m", "", seconds=0.3)):
            with pytest.raises(EmbeddingError, match="does not answer") as error:
                each.embed(["one"])
            assert KEY not in error.value.message + each.model_id
    for url in ("", "localhost:8080", "file:///etc/passwd", "ftp://example.com"):
        with pytest.raises(EmbeddingError, match="no address"):
            RemoteEmbedder(url, "m", KEY)
    assert RemoteEmbedder("http://a", "m", "").model_id != RemoteEmbedder("http://b", "m", "").model_id


@pytest.mark.parametrize("kind", ["401", "away"])
def test_search_goes_by_words_and_the_key_is_nowhere(kind: str, told: Repo, server: Embeddings, monkeypatch: pytest.MonkeyPatch) -> None:
    told.cg("refresh", "-q")
    if kind == "away":
        monkeypatch.setenv("CG_EMBED_URL", "http://127.0.0.1:9")
    else:
        server.answer = broken(kind, server)
    done = told.cg("search", "cache")
    lines = [line for line in done.stdout.splitlines() if line.startswith("incomplete:")]
    assert "Add the cache" in done.stdout and len(lines) == 1 and "words" in lines[0]
    told.commit("One more")
    refreshed = told.cg("refresh", "-v")
    assert sum("vectors are behind" in line for line in refreshed.stderr.splitlines()) == 1
    said = [done.stdout, done.stderr, refreshed.stderr, (told.home / "log").read_text()]
    said += [told.cg(*words).stdout for words in (("status", "--json"), ("config", "list"), ("config", "list", "--json"))]
    assert not any(KEY in text for text in said)
    assert told.cg("doctor", code=None).returncode in (0, 1)
    assert not [path for path in Path(os.environ["HOME"]).rglob("*") if path.is_file() and KEY in path.read_text(errors="replace")]
