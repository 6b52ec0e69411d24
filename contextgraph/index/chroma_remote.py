"""The child process that talks to a Chroma server: one request on stdin, one JSON answer on stdout, then it is gone.

A process of its own for the reasons of `chroma_local`: importing chromadb reads `.env` of the working directory and unprefixed
variables, and a server that hangs must not hang us. One collection holds many repositories, told apart by `repo`.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from contextgraph.index.chroma_child import serve

BATCH = 300
"""Vectors in one request: Chroma's smaller plans and proxies refuse much more, and a slow line is not held up for long."""
PAGE = 5_000
"""Ids in one answer when they are counted."""
CONFIGURATION = {"hnsw": {"space": "cosine"}}
OURS = "cg-"
"""How the names of our collections begin (`vectors.collection_name`)."""


class Request:
    """What the parent asked, and the server's client."""

    def __init__(self, header: dict[str, Any], payload: bytes) -> None:
        self.header = header
        width = header["dimensions"]
        self.rows: Any = memoryview(payload).cast("f", (len(payload) // (4 * width), width)).tolist() if payload else []
        self.repo: str = header["repo"]
        self.prefix: str = header["prefix"]
        self.client = _client(header)

    def collection(self) -> Any:
        return self.client.get_or_create_collection(self.header["name"], configuration=CONFIGURATION, embedding_function=None)


def _client(header: dict[str, Any]) -> Any:
    """The public client of the server. Raises ValueError for an address that is none, and what Chroma raises when it is away."""
    import chromadb

    address = urlsplit(header["url"])
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ValueError("this is not the address of a server, such as http://localhost:8000")
    secure = address.scheme == "https"
    token = header["token"]
    # Chroma servers read the one or the other, as they are configured.
    headers = {"Authorization": f"Bearer {token}", "X-Chroma-Token": token} if token else None
    settings = chromadb.Settings(_env_file=None, anonymized_telemetry=False)
    place = {"tenant": header["tenant"], "database": header["database"]}
    port = address.port or (443 if secure else 80)
    return chromadb.HttpClient(host=address.hostname, port=port, ssl=secure, headers=headers, settings=settings, **place)


def add(request: Request) -> dict[str, Any]:
    ids, titles = request.header["ids"], request.header["titles"] or [""] * len(request.header["ids"])
    collection = request.collection()
    for start in range(0, len(ids), BATCH):
        part = slice(start, start + BATCH)
        named = zip(ids[part], titles[part], strict=True)
        metadatas = [{"repo": request.repo, "document": each, "title": title} for each, title in named]
        collection.upsert(ids=[request.prefix + each for each in ids[part]], embeddings=request.rows[part], metadatas=metadatas)
    return {}


def delete(request: Request) -> dict[str, Any]:
    ids, collection = request.header["ids"], request.collection()
    for start in range(0, len(ids), BATCH):
        collection.delete(ids=[request.prefix + each for each in ids[start : start + BATCH]])
    return {}


def count(request: Request) -> dict[str, Any]:
    """Chroma counts collections, not parts of them: the ids are asked for, a page at a time."""
    collection, total = request.collection(), 0
    while page := collection.get(where={"repo": request.repo}, include=[], limit=PAGE, offset=total)["ids"]:
        total += len(page)
    return {"count": total}


def query(request: Request) -> dict[str, Any]:
    found = request.collection().query(
        query_embeddings=request.rows, n_results=request.header["limit"], where={"repo": request.repo}, include=["distances"]
    )
    return {"ids": [each.removeprefix(request.prefix) for each in found["ids"][0]], "distances": found["distances"][0]}


def elsewhere(request: Request) -> dict[str, Any]:
    """What other repositories have: their names and titles come from the server, for they are not here."""
    known = request.header["known"]
    found = request.collection().query(
        query_embeddings=request.rows,
        n_results=request.header["limit"],
        where={"repo": {"$nin": known}} if known else None,
        include=["distances", "metadatas"],
    )
    pairs = zip(found["metadatas"][0], found["distances"][0], strict=True)
    return {"hits": [[each["repo"], each["document"], each.get("title", ""), distance] for each, distance in pairs]}


def reset(request: Request) -> dict[str, Any]:
    """Only what belongs to this repository, in the collection of every model: others share them."""
    for collection in request.client.list_collections():
        if collection.name.startswith(OURS):
            collection.delete(where={"repo": request.repo})
    return {}


OPERATIONS: dict[str, Callable[[Request], dict[str, Any]]] = {
    "add": add,
    "delete": delete,
    "count": count,
    "query": query,
    "elsewhere": elsewhere,
    "reset": reset,
}


def answer(header: dict[str, Any], payload: bytes) -> dict[str, Any]:
    """The answer, or `error`: every failure of the server or the line becomes one sentence."""
    try:
        return OPERATIONS[header["operation"]](Request(header, payload))
    except Exception as error:
        return {"error": (str(error).strip() or type(error).__name__).split("\n")[0][:300]}


def main() -> None:
    """What `chroma_process` starts."""
    serve(answer)
