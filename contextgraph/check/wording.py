"""Words of texts and of code, made comparable: names split on case and underscore, endings folded, general words known."""

import re
from functools import lru_cache

from contextgraph.index.text import STOP

PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+[a-z]*")
NAMES = re.compile(r"[A-Za-z_][A-Za-z0-9_]+")
_GENERAL = frozenset(
    """use using used uses keep keeping make making made add adding get set put call calling called new old one two other single simple
    plain custom own full whole own hand based per each every always never only instead rather than just same different way thing
    approach option solution support value values data type types name names file files line lines code function functions method
    methods class classes object objects list string number key keys item items error errors test tests check run running start stop
    read write load save open close time date user users path default config return self none true false null import from async def
    let var const public private static void int str bool float char args kwargs init main app lib src util utils core base common go
    do work change build store stored storing handle manage create update delete remove request response query result results library
    package module version current direct directly
    """.split()
)


def parts(text: str) -> set[str]:
    """The words of a text or a line of code, names split on case and underscore, lower case, plurals folded."""
    return {stem(each.lower()) for each in PARTS.findall(text) if len(each) > 1}


def names(text: str) -> set[str]:
    """The same, and every name as a whole: `httpClient` is http, client and httpclient."""
    return parts(text) | {stem(each.replace("_", "").lower()) for each in NAMES.findall(text)}


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: -len(ending)]
            break
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


IGNORED = {stem(word) for word in _GENERAL} | {stem(word) for word in STOP}


def telling(line: str) -> bool:
    """Whether a line says enough to be recognised: no brace, no `else`, no lone name."""
    return len(line) >= 10 and len(re.findall(r"\w{2,}", line)) >= 2
