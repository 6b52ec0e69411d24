"""Secrets found in what is about to be written, and masked: a note is pushed, and cannot be taken back.

The formats are those of detect-secrets (its detectors, without its entropy guesses, which take every sha and digest for a
secret, and without its checks over the network). It costs 80 ms to import, so a cheap look comes first: a text that
nothing of `_HINT` is in holds nothing that they find.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from itertools import product
from typing import Any

import msgspec

_WORD = r"(?i:passwd|password|pwd|secret|token|(?:api|access|auth|account|client|private|service|db|database)[_-]?key|credential)"
_HINT = re.compile(
    r"A3T|ABIA|ACCA|AKIA|ASIA|AccountKey=|://[^\s/]*:[^\s]*@|[MNO][\w-]{23,25}\.|gh[pousr]_|github_pat_|gl[a-z]{2,6}-|GR1348941"
    r"|eyJ|_authToken|npm_|(?<![a-z])sk-|PRIVATE KEY|PuTTY-User|pypi-AgE|SG\.|(?i:xox)|(?i:hooks\.slack)|sq0csp|[rs]k_live"
    r"|[0-9]{8,10}:[\w-]{35}|AC[a-z0-9]{32}|SK[a-z0-9]{32}|-us[0-9]|AIza|[\'\"]\s*[!=]{2}|(?i:aws)|"
    + _WORD
    + r"[\w\]\'\"`]{0,20}\s*(?:[:=!(]|[\'\"`])"
)
"""A mark of each format below: a test holds every one of them against it."""

_PLUGINS = {
    "aws": "AWSKeyDetector",
    "azure_storage_key": "AzureStorageKeyDetector",
    "basic_auth": "BasicAuthDetector",
    "discord": "DiscordBotTokenDetector",
    "github_token": "GitHubTokenDetector",
    "gitlab_token": "GitLabTokenDetector",
    "jwt": "JwtTokenDetector",
    "mailchimp": "MailchimpDetector",
    "npm": "NpmDetector",
    "openai": "OpenAIDetector",
    "pypi_token": "PypiTokenDetector",
    "sendgrid": "SendGridDetector",
    "slack": "SlackDetector",
    "square_oauth": "SquareOAuthDetector",
    "stripe": "StripeDetector",
    "telegram_token": "TelegramBotTokenDetector",
    "twilio": "TwilioKeyDetector",
}
_OWN = (  # formats that detect-secrets 1.5 does not know, and a name beside a value without quotes
    ("GitHub Token", re.compile(r"github_pat_[A-Za-z0-9_]{40,}")),
    ("Google API Key", re.compile(r"AIza[0-9A-Za-z_-]{35}")),
    ("OpenAI Token", re.compile(r"(?<![\w-])sk-(?=[\w-]*[0-9])(?=[\w-]*[A-Z])[\w-]{40,}")),
    ("NPM Token", re.compile(r"npm_[A-Za-z0-9]{36}")),
    ("Secret Keyword", re.compile(_WORD + r"[\w\]]{0,20}[\'\"`]?\s*(?::=|[:=])\s*([^\s\'\"`,;<>${}()\[\]]{8,})")),
)
_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*-----|\Z)", re.DOTALL)
_RUN = re.compile(r"[A-Za-z0-9_\-.+/=]*")
_DIGEST = re.compile(r"(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64})\Z|sha(?:1|224|256|384|512)[-:]|cg-[0-9a-f]{12}\Z")
_CODE = re.compile(r"[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)*\Z")
MASK = "[masked: {}]"
PIECE = 4_000


def mask(text: str, allowed: Sequence[str] = ()) -> tuple[str, list[str]]:
    """The text with each secret replaced, and what kinds they were. `allowed`: texts that are none; `*` at the end: any that begin so."""
    if not any(_HINT.search(text, start, end) for start, end in _pieces(text)):
        return text, []
    spans: list[tuple[int, int, str]] = []
    for start, end, kind in sorted(_found(text), key=lambda span: (span[0], -span[1])):
        word = text[start:end]
        if _allowed(word, allowed) or _DIGEST.match(word) or word.startswith("[masked"):
            continue
        if not spans or start >= spans[-1][1]:
            spans.append((start, end, kind))
    pieces: list[str] = []
    done = 0
    for start, end, kind in spans:
        pieces += [text[done:start], MASK.format(kind)]
        done = end
    return "".join([*pieces, text[done:]]), [kind for _, _, kind in spans]


def clean(value: Any, allowed: Sequence[str] = ()) -> tuple[Any, list[str]]:
    """The same for every text in a noun, a list or an object; a name such as `password` makes a secret of its value."""
    if isinstance(value, str):
        return mask(value, allowed)
    if isinstance(value, list):
        cleaned = [clean(item, allowed) for item in value]
        return [item for item, _ in cleaned], [kind for _, kinds in cleaned for kind in kinds]
    if isinstance(value, dict):
        fields = {name: _named(name, item, allowed) for name, item in value.items()}
        return {name: item for name, (item, _) in fields.items()}, [kind for _, kinds in fields.values() for kind in kinds]
    if isinstance(value, msgspec.Struct):
        fields = {name: clean(getattr(value, name), allowed) for name in value.__struct_fields__}
        kinds = [kind for _, found in fields.values() for kind in found]
        return (msgspec.structs.replace(value, **{name: item for name, (item, _) in fields.items()}) if kinds else value), kinds
    return value, []


def _named(name: str, value: Any, allowed: Sequence[str]) -> tuple[Any, list[str]]:
    cleaned, kinds = clean(value, allowed)
    if kinds or not isinstance(value, str) or not re.search(_WORD, str(name)):
        return cleaned, kinds
    whole, kinds = mask(f'{name} = "{value}"', allowed)
    return (whole[len(f'{name} = "') : -1], kinds) if kinds else (value, [])


def _allowed(word: str, allowed: Sequence[str]) -> bool:
    return any(word.startswith(one[:-1]) if one.endswith("*") else word == one for one in allowed)


def _found(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, kind) of everything that looks like a secret; ends are those of the whole token, where a format names its head alone."""
    for match in _KEY_BLOCK.finditer(text):
        yield match.start(), match.end(), "Private Key"
    for (kind, pattern), piece in product(_patterns(), _pieces(text)):
        for match in pattern.finditer(text, *piece):
            group = match.lastindex if kind in ("Basic Auth Credentials", "Secret Keyword") and match.lastindex else 0
            start, end = match.span(group)
            if kind == "Secret Keyword" and not _secret_value(match[group]):
                continue
            if kind not in ("Basic Auth Credentials", "Secret Keyword"):
                run = _RUN.match(text, end)
                end = run.end() if run else end
                if _DIGEST.match(text[start:end].rpartition(":")[2]):
                    continue  # `1767225600:<sha>` is no bot's token
            yield start, end, kind
    for first, last in _pieces(text):
        for value in _keywords(text[first:last]):
            start = text.find(value, first)
            if start >= 0 and _secret_value(value):
                yield start, start + len(value), "Secret Keyword"


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """The text in pieces of at most PIECE characters, cut at white space where there is any: some of the patterns take quadratic time."""
    start = 0
    while start < len(text):
        end = start + PIECE
        if end < len(text):
            blank = max(text.rfind(" ", start, end), text.rfind("\n", start, end))
            end = blank + 1 if blank > start else end
        yield start, min(end, len(text))
        start = end


def _secret_value(value: str) -> bool:
    """A value beside a name such as `password` that is no word, path, expression or placeholder: letters with digits or signs."""
    if len(value) < 8 or re.search(r"\s", value) or _DIGEST.match(value) or value.startswith(("$", "{", "<", "/", "./", "~", "http")):
        return False
    if set(value) <= set("*x.X-_") or "example" in value.lower() or "://" in value:
        return False
    # A path or a dotted name: words between the separators.
    if re.fullmatch(r"[\w.-]+(?:[/\\][\w.-]+)+\.?\w*", value) and re.search(r"\.\w{1,5}\Z", value):
        return False
    return not _CODE.match(value) or (any(map(str.isdigit, value)) and "." not in value and "_" not in value)


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, "re.Pattern[str]"], ...]:
    found: list[tuple[str, re.Pattern[str]]] = []
    for module, name in _PLUGINS.items():
        plugin = getattr(import_module(f"detect_secrets.plugins.{module}"), name)
        found += [(plugin.secret_type, pattern) for pattern in plugin.denylist]
    return (*found, *_OWN)


def _keywords(text: str) -> Iterator[str]:
    """Values in quotes beside a name that says secret."""
    from detect_secrets.plugins.keyword import KeywordDetector

    detector = KeywordDetector()
    for line in text.splitlines():
        yield from detector.analyze_string(line)
