"""The directory of the per-user model store: what lies where, the lock, and the one way in.

models/installed.json      the manifest; written last, removed first: without it there is no model
models/<model id>/         model.onnx and tokenizer.json
models/.lock               held while the store changes
models/.new-*              what an installation needs on the way; the next one sweeps what a killed one left
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec

from contextgraph.embed.onnx import MAX_TOKENS, MODEL_FILE, TOKENIZER_FILE
from contextgraph.errors import EmbeddingError

MANIFEST = "installed.json"
LOCK = ".lock"
ASIDE = ".new-"
RECIPE = 1  # counted up when the same files would give other vectors: cleaning of texts, truncation, order of work


class StoredFile(msgspec.Struct, frozen=True):
    """A file as it was written. The time is a hint: where it still holds, nobody needs to hash 23 MB to trust the file."""

    sha256: str
    bytes: int
    mtime_ns: int


class Manifest(msgspec.Struct, frozen=True):
    """What `installed.json` says. `sources` are the digests of the original files, by name."""

    name: str
    model_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]  # a directory's name: no way out of the store
    dimensions: int
    recipe: int
    sources: dict[str, str]
    files: dict[str, StoredFile]


def root() -> Path:
    """The store's directory, which need not exist."""
    import platformdirs

    return Path(platformdirs.user_data_dir("contextgraph", appauthor=False)) / "models"


def read_manifest(store: Path) -> Manifest | None:
    """What is installed, or None. Raises EmbeddingError when the manifest cannot be read."""
    path = store / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EmbeddingError(f"the model store's {path} cannot be read: {error}") from error
    if set(manifest.files) != {MODEL_FILE, TOKENIZER_FILE}:
        raise EmbeddingError(f"the model store's {path} does not name the files of a model")
    return manifest


def find_problem(directory: Path, files: Mapping[str, StoredFile], thorough: bool) -> str | None:
    """What is wrong with the files of a model, in words, or None.

    Sizes are always compared; bytes when `thorough`, or when the file was touched since it was written (a restored
    backup costs 30 ms a time, a changed file does not get through).
    """
    for name, stored in files.items():
        path = directory / name
        try:
            found = path.stat()
            if found.st_size != stored.bytes:
                return f"{path} has {found.st_size} bytes, not {stored.bytes}"
            if (thorough or found.st_mtime_ns != stored.mtime_ns) and _sha256(path) != stored.sha256:
                return f"{path} does not hold the bytes that were installed"
        except FileNotFoundError:
            return f"{path} is missing"
        except OSError as error:
            return f"{path} cannot be read: {error.strerror}"
    return None


@contextmanager
def locked(store: Path, waiting: Callable[[], None]) -> Iterator[Path]:
    """Holds the store's lock and gives a fresh directory in it, on the same file system, that is gone afterwards.

    `waiting` is called once when another process holds the lock. Raises EmbeddingError when the store cannot be written.
    """
    import fcntl

    try:
        store.mkdir(parents=True, exist_ok=True)
        with (store / LOCK).open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(lock, fcntl.LOCK_EX)
            _sweep(store, lambda path: path.name.startswith(ASIDE))
            with tempfile.TemporaryDirectory(prefix=ASIDE, dir=store, ignore_cleanup_errors=True) as aside:
                yield Path(aside)
    except OSError as error:
        raise EmbeddingError(
            f"the model store {store} cannot be written: {error}",
            "free some space (an installation needs 200 MB for a moment, then 24 MB), or see who owns the directory",
        ) from error


def write_files(directory: Path, contents: Mapping[str, bytes]) -> dict[str, StoredFile]:
    """Writes the files of a model into a new directory."""
    directory.mkdir()
    files = {}
    for name, content in contents.items():
        path = directory / name
        with path.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        files[name] = StoredFile(hashlib.sha256(content).hexdigest(), len(content), path.stat().st_mtime_ns)
    return files


def model_id(name: str, files: Mapping[str, StoredFile]) -> str:
    """The name and 8 hex digits over all that shapes a vector: graph, tokenizer, and how this room uses them."""
    parts = [str(RECIPE), str(MAX_TOKENS), files[MODEL_FILE].sha256, files[TOKENIZER_FILE].sha256]
    return f"{name}-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:8]}"


def publish(store: Path, aside: Path, directory: Path, manifest: Manifest) -> None:
    """Moves `directory` into place as the installed model; the former one goes. Under the lock only."""
    place = store / manifest.model_id
    if place.exists():
        place.rename(aside / "former")
    directory.rename(place)
    draft = aside / MANIFEST
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    draft.replace(store / MANIFEST)
    _sweep(store, lambda path: path != place and (path / MODEL_FILE).exists())


def clear(store: Path) -> bool:
    """Removes the manifest and every model; whether there was any. Under the lock only."""
    manifest = store / MANIFEST
    listed = manifest.exists()
    manifest.unlink(missing_ok=True)
    return _sweep(store, lambda path: (path / MODEL_FILE).exists()) or listed


def _sweep(store: Path, goes: Callable[[Path], bool]) -> bool:
    gone = [path for path in store.iterdir() if path.is_dir() and goes(path)]
    for path in gone:
        shutil.rmtree(path)
    return bool(gone)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
