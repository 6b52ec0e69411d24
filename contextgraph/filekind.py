"""What a file is, as far as its name tells."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

Kind = Literal["code", "data", "prose", "generated", "ours"]

_PROSE = frozenset("md markdown mdx rst txt text adoc asciidoc org po pot tex html htm 1 5 7 8 me rtf".split())
_PROSE_NAMES = re.compile(
    r"(?:readme|license|licence|copying|changelog|changes|news|authors|contributors|history|notice|security|todo|relnotes)\b[^/]*",
    re.IGNORECASE,
)
_BUILDS = frozenset("BUILD WORKSPACE MODULE PKGBUILD APKBUILD".split())
"""Names in capitals that are no prose, as SYNCING or HACKING are."""
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
_TEST = re.compile(
    r"(?:^|/)(?:tests?|testing|specs?|__tests__|testdata|testsuite|t)/|(?:^|/)test_[^/]*$|[._-](?:test|spec)s?\.\w+$|Tests?\.[a-z]+$"
)


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


CODE, TESTS = 1, 2
"""Bits of what a commit touches."""


def touched(paths: Iterable[str]) -> int:
    """Which of code and tests is among the files of a commit; 0 where there is nothing but prose, data and lock files."""
    found = 0
    for path in paths:
        found |= _bit(path)
    return found


@lru_cache(maxsize=65_536)
def _bit(path: str) -> int:
    found = kind(path)
    return TESTS if found != "prose" and is_test(path) else CODE if found == "code" else 0
