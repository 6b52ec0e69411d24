"""What counts how much here: the `check.…` settings as one value, and what a range may not loosen for itself."""

import difflib
import re
import tomllib
from collections.abc import Mapping
from typing import Any

import msgspec

from contextgraph import config
from contextgraph.check import files
from contextgraph.config import CHECKS, LEVELS, POLICY, Config
from contextgraph.errors import UsageError

_NAMES = tuple(name for name, _, _ in CHECKS)


class Policy(msgspec.Struct, frozen=True):
    """`levels` by rule; `paths` are (pattern, {rule: level}), the last that matches wins; `guards` are (pattern, RE)."""

    levels: dict[str, str]
    paths: tuple[tuple[str, dict[str, str]], ...] = ()
    require: tuple[str, ...] = ()
    guards: tuple[tuple[str, str], ...] = ()
    strict: bool = False
    kept: "Policy | None" = None
    """The policy of the target branch, when the range changes it: what stands there cannot be loosened by the range."""

    def level(self, rule: str, path: str | None = None) -> str:
        """The level of a rule for a path: `error`, `warning`, `note` or `off`."""
        found = self.levels[rule]
        for glob, levels in self.paths if path is not None else ():
            if rule in levels and files.matches(glob, path or ""):
                found = levels[rule]
        if self.kept is not None:
            found = min(found, self.kept.level(rule, path), key=LEVELS.index)
        return found


def of_config(settings: Config, strict: bool = False) -> Policy:
    """The policy that the settings make. Raises UsageError, with a suggestion, for a rule or level that there is not."""
    return _of_values(settings.values, strict)


def _of_values(values: Mapping[str, Any], strict: bool) -> Policy:
    return Policy(
        levels={name: str(values.get(f"check.{name}", default)) for name, default, _ in CHECKS},
        paths=tuple(_path(entry) for entry in values.get("check.paths", [])),
        require=tuple(values.get("check.require", [])),
        guards=tuple(_guard(entry) for entry in values.get("check.guards", [])),
        strict=strict or bool(values.get("check.strict", False)),
    )


def with_base(policy: Policy, toml: str) -> Policy:
    """The policy joined with the one that the target branch has: a range cannot take away what it is held to.

    A file that cannot be read there holds nobody to anything.
    """
    try:
        tables = tomllib.loads(toml)
        section = tables.get("check", {})
        values = {f"check.{name}": config.check(f"check.{name}", value, POLICY) for name, value in section.items()}
        base = _of_values(values, policy.strict)
    except (tomllib.TOMLDecodeError, UsageError, AttributeError):
        return policy
    return msgspec.structs.replace(
        policy,
        require=tuple(dict.fromkeys([*policy.require, *base.require])),
        guards=tuple(dict.fromkeys([*policy.guards, *base.guards])),
        kept=base,
    )


def split_guard(text: str) -> tuple[str, str] | None:
    """(pattern of paths, RE) of `GLOB: RE`; None when it has no such shape."""
    match = re.match(r"(\S+):\s+(\S.*)\Z", text.strip(), re.DOTALL)
    return (match[1], match[2]) if match else None


def _guard(entry: str) -> tuple[str, str]:
    found = split_guard(entry)
    if found is None:
        raise UsageError(f"check.guards: `{entry}` is no guard", r"`GLOB: RE`, such as `src/**: \beval\(`")
    return found


def _path(entry: str) -> tuple[str, dict[str, str]]:
    glob, colon, rest = entry.partition(": ")
    levels = dict(part.partition("=")[::2] for part in rest.split())
    if not colon or not levels:
        raise UsageError(f"check.paths: `{entry}` has no levels", "`GLOB: RULE=LEVEL`, such as `tests/**: rejected=off`")
    for rule, level in levels.items():
        for word, known in ((rule, _NAMES), (level, LEVELS)):
            if word not in known:
                close = difflib.get_close_matches(word, known, 1, cutoff=0.5)
                kind = "rule" if known is _NAMES else "level"
                raise UsageError(f"check.paths: unknown {kind} `{word}`", f"did you mean `{close[0]}`?" if close else ", ".join(known))
    return glob, levels
