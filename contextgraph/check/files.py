"""Which files a rule looks at, by their names; and the patterns that policy and guards name them with."""

import re
from functools import lru_cache
from typing import Literal

Kind = Literal["code", "data", "prose", "generated", "ours"]

_PROSE = frozenset("md markdown mdx rst txt text adoc asciidoc org po pot tex html htm 1 5 7 8 me rtf".split())
_PROSE_NAMES = re.compile(
    r"(?:readme|license|licence|copying|changelog|changes|news|authors|contributors|history|notice|security|todo|relnotes)\b[^/]*",
    re.IGNORECASE,
)
_DATA = frozenset("csv tsv svg xml snap golden out expected stdout stderr diff patch ipynb log sum pem crt key fixture".split())
_LOCKS = frozenset(
    "package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml cargo.lock poetry.lock pipfile.lock uv.lock pdm.lock composer.lock "
    "gemfile.lock go.sum flake.lock mix.lock podfile.lock packages.lock.json gradle.lockfile bun.lock bun.lockb".split()
)
_GENERATED = re.compile(
    r"(?:^|/)(?:node_modules|vendor|third_party|third-party|vendored|_vendor|dist|bower_components)/"
    r"|\.min\.(?:js|css)$|\.map$|_pb2(?:_grpc)?\.pyi?$|\.pb\.(?:go|cc|h)$|\.g\.dart$|\.generated\.\w+$|\.lock$"
)
_OURS = re.compile(r"(?:^|/)\.contextgraph(?:\.toml$|/)")
_TEST = re.compile(r"(?:^|/)(?:tests?|testing|specs?|__tests__|testdata|testsuite)/|(?:^|/)test_[^/]*$|[._-](?:test|spec)s?\.\w+$")
_HEADING = re.compile(
    rb"code generated .{0,80}do not edit|@generated\b|do not edit.{0,40}(?:by hand|manually|generated)"
    rb"|(?:auto-?|automatically )generated (?:by|from|file)",
    re.IGNORECASE,
)


_BUILDS = frozenset("BUILD WORKSPACE MODULE PKGBUILD APKBUILD".split())
"""Names in capitals that are no prose, as SYNCING or HACKING are."""


def kind(path: str) -> Kind:
    """What a file is, as far as its name tells."""
    name = path.rpartition("/")[2]
    extension = name.rpartition(".")[2].lower() if "." in name[1:] else ""
    if _OURS.search(path):
        return "ours"
    if name.lower() in _LOCKS or _GENERATED.search(path):
        return "generated"
    if extension in _PROSE or (_PROSE_NAMES.fullmatch(name) and extension not in ("py", "js", "ts", "rs", "go", "c", "h")):
        return "prose"
    if not extension and name.isupper() and name.isalpha() and name not in _BUILDS:
        return "prose"
    return "data" if extension in _DATA else "code"


def is_test(path: str) -> bool:
    """Whether a file holds tests, as far as its name tells."""
    return _TEST.search(path) is not None


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
