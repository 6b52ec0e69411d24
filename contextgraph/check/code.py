"""What in a file is code: its lines with comments and docstrings blanked out, so that prose that avoids a thing is no use of it."""

import re
from collections.abc import Callable

LARGEST = 1_000_000
"""Characters of a file that are looked at closely; in a larger one every line counts as code."""

_STRINGS = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
_SLASH = frozenset(
    "c h cc cpp cxx hpp hh inl java js jsx ts tsx mjs cjs mts cts go rs swift kt kts scala cs dart groovy gradle m mm proto zig v sv sol "
    "less scss css svelte vue d glsl hlsl fs fsx jsonc json5 php ino cu".split()
)
_DASH = frozenset("sql lua hs elm ada adb ads vhd vhdl".split())
_SEMI = frozenset("lisp el clj cljs cljc scm rkt asm s".split())
_NONE = frozenset("json".split())

_PATTERNS: dict[str, re.Pattern[str]] = {
    "slash": re.compile(rf"{_STRINGS}|`(?:\\.|[^`\\])*`|(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))", re.DOTALL),
    "hash": re.compile(rf"{_STRINGS}|(?P<comment>(?:(?<=\s)|(?<=^))\#[^\n]*)", re.DOTALL | re.MULTILINE),
    "dash": re.compile(rf"{_STRINGS}|(?P<comment>--\[\[.*?\]\]|\{{-.*?-\}}|/\*.*?\*/|--[^\n]*)", re.DOTALL),
    "semi": re.compile(r'"(?:\\.|[^"\\\n])*"|(?P<comment>;[^\n]*)', re.DOTALL),
    "python": re.compile(
        rf"(?P<triple>[rRuUbBfF]{{0,2}}(?:\"\"\".*?(?:\"\"\"|\Z)|'''.*?(?:'''|\Z)))|{_STRINGS}|(?P<comment>\#[^\n]*)", re.DOTALL
    ),
}
MARKERS = {"slash": ("//", "/*", "/\\*"), "hash": ("#",), "python": ("#",), "dash": ("--",), "semi": (";",)}
"""What begins a comment, by family: a guard that names one is meant for comments too."""


def family(path: str) -> str:
    """The comment syntax of a file, as its name tells; `hash` where nothing is known, empty where there are no comments."""
    extension = path.rpartition("/")[2].rpartition(".")[2].lower()
    if extension in ("py", "pyi", "pyx"):
        return "python"
    for name, known in (("slash", _SLASH), ("dash", _DASH), ("semi", _SEMI), ("", _NONE)):
        if extension in known:
            return name
    return "hash"


def lines(path: str, text: str) -> list[str]:
    """The lines of a file with the same numbers as in it, comments and docstrings replaced by blanks."""
    pattern = _PATTERNS.get(family(path))
    if pattern is not None and len(text) <= LARGEST:
        text = pattern.sub(_blanked(text), text)
    return text.split("\n")


def _blanked(text: str) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        groups = match.groupdict()
        if groups["comment"] is not None or (groups.get("triple") is not None and _stands_alone(text, match)):
            return re.sub(r"[^\n]", " ", match[0])
        return match[0]

    return replace


def _stands_alone(text: str, match: re.Match[str]) -> bool:
    """Whether a triple-quoted string is a statement of its own, a docstring, and no value."""
    start = text.rfind("\n", 0, match.start()) + 1
    end = text.find("\n", match.end())
    if text[start : match.start()].strip() or text[match.end() : end if end >= 0 else len(text)].strip():
        return False
    before = text[:start].rstrip()
    return not before or before[-1] not in "(,=[{\\+"


def without_sentences(line: str) -> str:
    """The line without the content of strings that read as prose (three words and more)."""
    return re.sub(_STRINGS, lambda match: '""' if len(match[0].split()) >= 3 else match[0], line)
