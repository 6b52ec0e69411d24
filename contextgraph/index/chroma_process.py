"""Asks `chroma_local` in a child process: clean environment, a working directory without a `.env`, a time limit that holds."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from contextgraph.errors import VectorError

CURE = "`cg refresh` makes it again; until then search goes by words alone"

# What the child keeps of the environment: what a process needs to start. chromadb takes dozens of unprefixed names from it.
_KEPT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR")
_START = "import sys; sys.path[:] = sys.argv[1:]; from contextgraph.index.{} import main; main()"
_ROOT = Path(__file__).parents[2]


def ask(header: dict[str, Any], payload: bytes, seconds: float, program: str = "chroma_local") -> dict[str, Any]:
    """One request, one answer of `program` (a module beside this one); the child is killed after `seconds`.

    Raises VectorError when it cannot start, does not answer in time, or dies without an answer.
    """
    # Without `site` and with our own import path given, Python starts in 5 ms instead of 15.
    paths = [str(_ROOT), *(entry for entry in sys.path if Path(entry).is_absolute())]
    request = json.dumps({**header, "bytes": len(payload)}).encode() + b"\n" + payload
    try:
        process = _start([sys.executable, "-I", "-S", "-c", _START.format(program), *paths])
        output, words = _converse(process, request, seconds)
    except OSError as error:
        raise VectorError(f"the vector store's process cannot start: {error}") from None
    try:
        reply: dict[str, Any] = json.loads(output)
    except ValueError:
        said = words.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no word"]
        raise VectorError(f"the vector store stopped without an answer ({process.returncode}: {said[0]})", CURE) from None
    return reply


def _start(command: list[str]) -> "subprocess.Popen[bytes]":
    # It stands, and is at home, in our own package, which holds nothing but code: chromadb looks for `.env` where it stands. A
    # temporary directory would be left behind by every kill -9.
    own = str(Path(__file__).parent)
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {"HOME": own}
    pipe = subprocess.PIPE
    # A session of its own: Ctrl-C is for us; a writer that it cuts off in the middle leaves a damaged store behind.
    return subprocess.Popen(command, cwd=own, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)


def _converse(process: "subprocess.Popen[bytes]", request: bytes, seconds: float) -> tuple[bytes, bytes]:
    try:
        return process.communicate(request, timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise VectorError(f"the vector store did not answer within {seconds:.0f} s", CURE) from None
    except BaseException:
        process.send_signal(signal.SIGTERM)  # a reader ends here; a writer finishes its batch, which takes under a second
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
        raise
