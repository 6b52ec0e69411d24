"""The child process that talks to a Chroma server: one request on stdin, one JSON answer on stdout, then it is gone.

A process of its own for the reasons of `chroma_local`: importing chromadb reads `.env` of the working directory and unprefixed
variables, and a server that hangs must not hang us. One collection holds many repositories, told apart by `repo`.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

BATCH = 1_000
"""Vectors in one request; a server's own limit is larger, and a slow line is not held up for long."""
CONFIGURATION = {"hnsw": {"space": "cosine"}}


def _client(header: dict[str, Any]) -> Any:
    """The public client of the server. Raises ValueError for an address that is none, and what Chroma raises when it is away."""
    import chromadb

    address = urlsplit(header["url"])
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ValueError(f"{header['url']} is not the address of a server")
    secure = address.scheme == "https"
    headers = {"Authorization": f"Bearer {header['token']}"} if header["token"] else None
    settings = chromadb.Settings(_env_file=None, anonymized_telemetry=False)
    place = {"tenant": header["tenant"], "database": header["database"]}
    port = address.port or (443 if secure else 80)
    return chromadb.HttpClient(host=address.hostname, port=port, ssl=secure, headers=headers, settings=settings, **place)


def add(collection: Any, header: dict[str, Any], rows: list[list[float]]) -> dict[str, Any]:
    ids, repo = header["ids"], header["repo"]
    for start in range(0, len(ids), BATCH):
        part = slice(start, start + BATCH)
        metadatas = [{"repo": repo, "document": each} for each in ids[part]]
        collection.upsert(ids=[f"{header['prefix']}{each}" for each in ids[part]], embeddings=rows[part], metadatas=metadatas)
    return {}


def delete(collection: Any, header: dict[str, Any], rows: list[list[float]]) -> dict[str, Any]:
    collection.delete(ids=[f"{header['prefix']}{each}" for each in header["ids"]])
    return {}


def count(collection: Any, header: dict[str, Any], rows: list[list[float]]) -> dict[str, Any]:
    return {"count": len(collection.get(where={"repo": header["repo"]}, include=[])["ids"])}


def query(collection: Any, header: dict[str, Any], rows: list[list[float]]) -> dict[str, Any]:
    found = collection.query(query_embeddings=rows, n_results=header["limit"], where={"repo": header["repo"]}, include=["distances"])
    return {"ids": [each.removeprefix(header["prefix"]) for each in found["ids"][0]], "distances": found["distances"][0]}


def reset(collection: Any, header: dict[str, Any], rows: list[list[float]]) -> dict[str, Any]:
    """Only what belongs to this repository: others share the collection."""
    collection.delete(where={"repo": header["repo"]})
    return {}


OPERATIONS: dict[str, Callable[[Any, dict[str, Any], list[list[float]]], dict[str, Any]]] = {
    "add": add,
    "delete": delete,
    "count": count,
    "query": query,
    "reset": reset,
}


def answer(header: dict[str, Any], payload: bytes) -> dict[str, Any]:
    """The answer, or `error`: every failure of the server or the line becomes one sentence."""
    try:
        width = header["dimensions"]
        rows: Any = memoryview(payload).cast("f", (len(payload) // (4 * width), width)).tolist() if payload else []
        collection = _client(header).get_or_create_collection(header["name"], configuration=CONFIGURATION, embedding_function=None)
        return OPERATIONS[header["operation"]](collection, header, rows)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}".split("\n")[0][:300]}


def main() -> None:
    """Reads the request, answers, and leaves."""
    reply = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not mix with the answer
    header = json.loads(sys.stdin.buffer.readline())
    payload = sys.stdin.buffer.read()
    if len(payload) != header["bytes"]:
        sys.exit("the request was cut short")
    with os.fdopen(reply, "w", encoding="utf-8") as stream:
        json.dump(answer(header, payload), stream)
    sys.stderr.flush()
    os._exit(0)
