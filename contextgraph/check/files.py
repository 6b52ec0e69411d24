"""Which files a rule looks at, by their names; and the patterns that policy and guards name them with."""

import re
from functools import lru_cache

_HEADING = re.compile(
    rb"code generated .{0,80}do not edit|@generated\b|do not edit.{0,40}(?:by hand|manually|generated)"
    rb"|(?:auto-?|automatically )generated (?:by|from|file)",
    re.IGNORECASE,
)


def is_generated(head: bytes) -> bool:
    """Whether the beginning of a file says that a program wrote it."""
    return _HEADING.search(head[:600]) is not None


def matches(glob: str, path: str) -> bool:
    """Whether a path is meant by a pattern, as git reads one: `*` crosses `/`, a folder means all that is in it."""
    return _compiled(glob).match(path) is not None


@lru_cache(maxsize=4096)
def _compiled(glob: str) -> re.Pattern[str]:
    text = glob.strip().removeprefix("./").removeprefix("/")
    if text in ("", ".", "*", "**"):
        return re.compile(r".*\Z", re.DOTALL)
    parts: list[str] = []
    position = 0
    while position < len(text):
        if text.startswith("**/", position):
            parts.append(r"(?:.*/)?")
            position += 3
        elif text[position] == "*":
            while position < len(text) and text[position] == "*":
                position += 1
            parts.append(r".*")
        elif text[position] == "?":
            parts.append(r"[^/]")
            position += 1
        elif text[position] == "[" and (end := text.find("]", position + 2)) > 0:
            inside = text[position + 1 : end].replace("\\", r"\\")
            parts.append(f"[{'^' + inside[1:] if inside[0] in '!^' else inside}]")
            position = end + 1
        elif text[position] == "{" and (end := text.find("}", position)) > 0:
            parts.append(f"(?:{'|'.join(map(re.escape, text[position + 1 : end].split(',')))})")
            position = end + 1
        else:
            parts.append(re.escape(text[position]))
            position += 1
    body = re.sub(r"(?:\.\*){2,}", ".*", "".join(parts))
    below = ".*" if text.endswith("/") else r"(?:/.*)?"
    try:
        return re.compile(rf"{body}{below}\Z", re.DOTALL)
    except re.error:
        return re.compile(rf"{re.escape(text)}(?:/.*)?\Z", re.DOTALL)
