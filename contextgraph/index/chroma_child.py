"""How a child process of `chroma_process` is asked and answers: one line of JSON and the bytes that follow it, one JSON answer."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any


def serve(answer: Callable[[dict[str, Any], bytes], dict[str, Any]]) -> None:
    """Reads the request, answers, and leaves without waiting for Chroma's threads."""
    reply = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not mix with the answer
    header = json.loads(sys.stdin.buffer.readline())
    payload = sys.stdin.buffer.read()
    if len(payload) != header["bytes"]:
        sys.exit("the request was cut short")  # the parent was killed while it wrote
    with os.fdopen(reply, "w", encoding="utf-8") as stream:
        json.dump(answer(header, payload), stream)
    sys.stderr.flush()
    os._exit(0)
