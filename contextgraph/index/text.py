"""Text as the lexical index sees it, and questions as it is asked."""

import re

from contextgraph.trace import Decision

LONGEST = 16_000
"""Characters of a message that are indexed; generated messages (squash lists, logs) are longer, people's are not."""
_HUMP = re.compile(r"[a-z0-9][A-Z]")
"""What every camelCase name has; looking for it first is three times as fast, and most messages have none."""
_CAMEL = re.compile(r"\b(?=\w*[a-z0-9][A-Z])\w{3,80}\b")
_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"\w+")
STOP = frozenset(
    """a about all also an and any are as at be been but by can could did do does doing done for from get got had has have how i if in
    into is it its just me my no not of on one or our out should so some than that the their them then there these they this those to too
    up us was we were what when where which who whose why will with would you your""".split()
)


def identifiers(text: str) -> str:
    """The text, followed by the parts of its camelCase names (the tokenizer splits at underscores and dots by itself)."""
    found = _CAMEL.findall(text) if _HUMP.search(text) else []
    return f"{text} {' '.join(_BORDER.sub(' ', name) for name in found)}" if found else text


def terms(question: str) -> list[str]:
    """The words of a question that are worth looking for, lower case, each once; all of them when only stop words are left."""
    words = list(dict.fromkeys(word.lower() for word in _WORD.findall(identifiers(question).replace("_", " "))))
    return [word for word in words if word not in STOP and len(word) > 1] or words


def match(words: list[str]) -> str:
    """An FTS5 expression that any of the words satisfies."""
    return " OR ".join(f'"{word}"' for word in words)


def decision_text(decision: Decision) -> str:
    """Everything a decision says, for search: its context, options, reasons, what was rejected, its constraints."""
    parts = [decision.context, decision.choice, decision.reasoning, decision.quote or "", decision.area or "", decision.category or ""]
    parts += [" ".join([option.description, *option.pros, *option.cons]) for option in decision.options]
    parts += [f"{each.option} {each.reason or ''}" for each in decision.rejected]
    return "\n".join(part for part in [*parts, *decision.constraints] if part)
