"""The two ways into one local Chroma collection: the bindings under the package, and the package's public client.

Runs only in the child process of `chroma_local`, with a working directory of our own and a clean environment: importing
chromadb reads `.env` and unprefixed variables (a latin-1 `.env` or `MIGRATIONS=yes` breaks it), and so does every error that
the bindings raise, because it imports `chromadb.errors` to do so.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

Rows = list[list[float]]

# Chroma replays what its log holds above the last saved graph on every cold open: with its default of 1,000, a tail of 999
# cost a query 0.25 s; with 100 it is 0.04 s, and adding 11,000 vectors took no longer (2.7 against 2.9 s).
CONFIGURATION = {"hnsw": {"space": "cosine", "sync_threshold": 100}}

_PLACE = {"tenant": "default_tenant", "database": "default_database"}
# Seen to work with chromadb 1.5.9. The bindings are undocumented, so another minor version or another signature means the
# public client, which is slower by its import (0.5 to 1.0 s) and right.
_VERSION = "1.5."
_SHAPE = {
    "SqliteDBConfig": "(hash_type, migration_mode, url=None)",
    "Bindings": "(allow_reset, sqlite_db_config, hnsw_cache_size, persist_path=None)",
    "Bindings.create_collection": "($self, name, configuration_json_str=None, schema_str=None, metadata=None, "
    "get_or_create=False, tenant=..., database=...)",
    "Bindings.get_collection": "($self, name, tenant, database)",
    "Bindings.count": "($self, collection_id, tenant=..., database=...)",
    "Bindings.get": "($self, collection_id, ids=None, where=..., limit=None, offset=0, where_document=None, include=..., "
    "tenant=..., database=...)",
    "Bindings.upsert": "($self, collection_id, ids, embeddings, metadatas=None, documents=None, uris=None, tenant=..., database=...)",
    "Bindings.delete": "($self, collection_id, ids=None, where=..., where_document=None, limit=None, tenant=..., database=...)",
    "Bindings.query": "($self, collection_id, ids, query_embeddings, n_results, where=..., where_document=None, include=..., "
    "tenant=..., database=...)",
}


class Mismatch(Exception):
    """The bindings are not the ones that this module was written against."""


class Store(Protocol):
    """One open collection. Distances are 1 - cosine; rows are embeddings."""

    path: str

    def count(self) -> int: ...
    def get(self, ids: Sequence[str] | None, limit: int | None = None, offset: int = 0) -> dict[str, Sequence[float]]: ...
    def query(self, rows: Rows, limit: int) -> tuple[list[list[str]], list[list[float]]]: ...
    def upsert(self, ids: Sequence[str], rows: Rows, repo: str) -> None: ...
    def delete(self, ids: Sequence[str]) -> None: ...
    def close(self) -> None: ...


def open_store(directory: Path, name: str, bindings: bool, create: bool) -> Store | None:
    """The collection called `name`, by the bindings when they are allowed and known, else by the public client.

    None when it does not exist and `create` is false. Raises whatever Chroma raises when the store is damaged.
    """
    if not create and not (directory / "chroma.sqlite3").exists():
        return None  # opening would create an empty database
    if bindings:
        try:
            return BindingsStore.open(directory, name, create)
        except (ImportError, Mismatch):
            pass  # not an error: the public client is the documented way, and `path` tells which one answered
    return ClientStore.open(directory, name, create)


def check_version(module: Any) -> None:
    """Raises Mismatch unless the package was installed as the version that was tested, and as no other beside it.

    Read from the installer's directory name: `Bindings.get_version`, and `list_collections` too, import all of chromadb, and
    importlib.metadata costs as much as the bindings themselves.
    """
    found = [path.name for path in Path(module.__file__).parent.parent.glob("chromadb-*.dist-info")]
    if len(found) != 1 or not found[0].startswith(f"chromadb-{_VERSION}"):
        raise Mismatch(", ".join(found))


def check_shape(module: Any) -> None:
    """Raises Mismatch unless every class and method that we call has the signature that was tested."""
    for name, signature in _SHAPE.items():
        found: Any = module
        for part in name.split("."):
            found = getattr(found, part, None)
        if getattr(found, "__text_signature__", None) != signature:
            raise Mismatch(name)


class BindingsStore:
    """Chroma's native part without its Python: a cold query in 0.1 s where the public client takes 0.7."""

    path = "bindings"

    def __init__(self, native: Any, collection: str) -> None:
        self._native = native
        self._of: Mapping[str, str] = {"collection_id": collection, **_PLACE}

    @classmethod
    def open(cls, directory: Path, name: str, create: bool) -> "BindingsStore | None":
        """The collection by the bindings; None when it is absent. Raises Mismatch when they are not the known ones."""
        import chromadb_rust_bindings as module

        check_version(module)
        check_shape(module)
        mode = module.MigrationMode.Apply if create else module.MigrationMode.Validate
        url = str(directory / "chroma.sqlite3")
        database = module.SqliteDBConfig(hash_type=module.MigrationHash.MD5, migration_mode=mode, url=url)
        native = module.Bindings(allow_reset=False, sqlite_db_config=database, hnsw_cache_size=4, persist_path=str(directory))
        if create:
            settings = json.dumps({**CONFIGURATION, "embedding_function": None})
            found = native.create_collection(name=name, configuration_json_str=settings, get_or_create=True, **_PLACE)
        else:
            try:
                found = native.get_collection(name=name, **_PLACE)
            except Exception as error:
                if type(error).__name__ == "NotFoundError":  # by name: its class is in the package that we do without
                    return None
                raise
        return cls(native, str(found.id))

    def count(self) -> int:
        return int(self._native.count(**self._of))

    def get(self, ids: Sequence[str] | None, limit: int | None = None, offset: int = 0) -> dict[str, Sequence[float]]:
        found = self._native.get(ids=ids, limit=limit, offset=offset, include=["embeddings"], **self._of)
        return dict(zip(found.ids, found.embeddings, strict=True))

    def query(self, rows: Rows, limit: int) -> tuple[list[list[str]], list[list[float]]]:
        found = self._native.query(ids=None, query_embeddings=rows, n_results=limit, include=["distances"], **self._of)
        return found.ids, found.distances

    def upsert(self, ids: Sequence[str], rows: Rows, repo: str) -> None:
        self._native.upsert(ids=ids, embeddings=rows, metadatas=[{"repo": repo}] * len(ids), **self._of)

    def delete(self, ids: Sequence[str]) -> None:
        self._native.delete(ids=ids, **self._of)

    def close(self) -> None:
        del self._native  # the only close there is: its files and threads go with the object


class ClientStore:
    """The documented client: right with every version, and slow to import."""

    path = "client"

    def __init__(self, client: Any, collection: Any) -> None:
        self._client = client
        self._collection = collection

    @classmethod
    def open(cls, directory: Path, name: str, create: bool) -> "ClientStore | None":
        """The collection by the public client; None when it is absent."""
        import chromadb

        settings = chromadb.Settings(
            _env_file=None, anonymized_telemetry=False, allow_reset=False, migrations="apply" if create else "validate"
        )
        client = chromadb.PersistentClient(path=str(directory), settings=settings)
        if create:
            return cls(client, client.get_or_create_collection(name, configuration=CONFIGURATION, embedding_function=None))
        if name not in [one.name for one in client.list_collections()]:
            return None
        return cls(client, client.get_collection(name, embedding_function=None))

    def count(self) -> int:
        return int(self._collection.count())

    def get(self, ids: Sequence[str] | None, limit: int | None = None, offset: int = 0) -> dict[str, Sequence[float]]:
        wanted = None if ids is None else list(ids)
        found = self._collection.get(ids=wanted, limit=limit, offset=offset, include=["embeddings"])
        return dict(zip(found["ids"], [list(row) for row in found["embeddings"]], strict=True))

    def query(self, rows: Rows, limit: int) -> tuple[list[list[str]], list[list[float]]]:
        found = self._collection.query(query_embeddings=rows, n_results=limit, include=["distances"])
        return found["ids"], found["distances"]

    def upsert(self, ids: Sequence[str], rows: Rows, repo: str) -> None:
        self._collection.upsert(ids=list(ids), embeddings=rows, metadatas=[{"repo": repo}] * len(ids))

    def delete(self, ids: Sequence[str]) -> None:
        self._collection.delete(ids=list(ids))

    def close(self) -> None:
        self._client.close()
