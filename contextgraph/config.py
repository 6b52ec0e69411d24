"""Settings: defaults < user file < .contextgraph.toml < git config < CG_* variables, one table of keys for all of them."""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from contextgraph.errors import UsageError
from contextgraph.lock import replace

POLICY = ".contextgraph.toml"
GIT = "git config"
Value = str | bool | int | list[str]


class Key(msgspec.Struct, frozen=True):
    """One setting. `policy`: a repository's committed file may set it (nothing there can name a command or a URL)."""

    name: str
    default: Value
    about: str
    choices: tuple[str, ...] = ()
    policy: bool = True
    secret: bool = False

    @property
    def variable(self) -> str:
        return "CG_" + self.name.upper().replace(".", "_")


LEVELS = ("error", "warning", "note", "off")
CHECKS = (
    ("guard", "error", "an added line matches a declared guard"),
    ("reintroduced", "error", "a reverted change comes back exactly"),
    ("undecided", "error", "a path under `check.require` changes without a recorded decision"),
    ("returning", "warning", "half of a reverted change comes back"),
    ("rejected", "warning", "added code looks like an alternative that a decision rejected"),
    ("removed", "warning", "lines under an irreversible or high-risk decision go"),
    ("contradiction", "warning", "a new decision answers an old question otherwise"),
    ("chain", "warning", "a decision names one that is not there, a circle, or a guard that cannot be read"),
    ("touched", "note", "decisions in force on the files that change"),
    ("expired", "note", "expired decisions on the files that change"),
    ("similar", "note", "similar work on these files was reverted"),
)
"""The rules of `cg check`: name, default level, what it finds. What runs for each name stands in check/rules.py."""

KEYS = {
    key.name: key
    for key in (
        Key("capture.when", "always", "which commits made here get a trace: every one, or those with decisions", ("always", "decisions")),
        *(Key(f"check.{name}", level, f"level of the finding: {about}", LEVELS) for name, level, about in CHECKS),
        Key("check.guards", [], "guards of the policy, each `GLOB: RE`"),
        Key("check.paths", [], "other levels for some paths, each `GLOB: RULE=LEVEL`, several with spaces between"),
        Key("check.require", [], "patterns of paths that change only with a recorded decision"),
        Key("check.strict", False, "warnings of `cg check` count as errors"),
        Key("embed.kind", "onnx", "who computes vectors: the installed model, or a server of the user's", ("onnx", "remote"), policy=False),
        Key("embed.url", "", "address of an OpenAI-compatible server, before `/embeddings`; commit texts are sent there", policy=False),
        Key("embed.model", "", "the model to ask that server for", policy=False),
        Key("embed.key", "", "the key for that server; CG_EMBED_KEY keeps it out of files", policy=False, secret=True),
        Key("index.chroma_url", "", "address of a Chroma server for the vectors; empty: a store in .git", policy=False),
        Key("index.chroma_tenant", "default_tenant", "tenant on that server", policy=False),
        Key("index.chroma_database", "default_database", "database on that server", policy=False),
        Key("index.chroma_token", "", "token for that server; CG_INDEX_CHROMA_TOKEN keeps it out of files", policy=False, secret=True),
        Key("index.vectors", True, "fill and use the vector store when a model is installed"),
        Key("secrets.allow", [], "texts that look like secrets and are none; a `*` at the end: any that begin so"),
        Key("search.limit", 10, "how many results `cg search` shows"),
        Key("sync.push", "never", "after a branch was pushed: its reasons too", ("ask", "auto", "never"), policy=False),
        Key("track.branch", "", "the target branch; empty: origin/HEAD, main or master, whichever is found first"),
        Key("track.branches", [], "further target branches (release branches), answered in `by_branch`"),
        Key("ui.color", "auto", "colours on the terminal", ("auto", "always", "never"), policy=False),
        Key("ui.pager", True, "long answers on a terminal go through PAGER", policy=False),
    )
}

# Names of ours that are no settings (CONTRACT, Environment).
VARIABLES = {"CG_DEBUG", "CG_WORKER", "CG_WORKER_DELAY", "CG_SKIP"}


class Config(msgspec.Struct, frozen=True):
    """The settings in force, where each came from (`defaults`, a file, `git config`, a variable), and warnings to print."""

    values: dict[str, Value]
    sources: dict[str, str]
    warnings: tuple[str, ...] = ()

    def text(self, name: str) -> str:
        return str(self.values[name])

    def flag(self, name: str) -> bool:
        return bool(self.values[name])

    def number(self, name: str) -> int:
        return int(self.values[name])  # type: ignore[arg-type]

    def many(self, name: str) -> list[str]:
        value = self.values[name]
        return list(value) if isinstance(value, list) else [str(value)]


def load(top: Path | None, git_values: Mapping[str, list[str]], environment: Mapping[str, str]) -> Config:
    """All layers, lowest first. `git_values` has git's `contextgraph.*` keys without that prefix, each with all its values.

    Raises UsageError naming the file or variable, the key and what is known, for anything that is not a setting.
    """
    values: dict[str, Value] = {key.name: key.default for key in KEYS.values()}
    sources = dict.fromkeys(values, "default")
    user = user_file(environment)
    layers: list[tuple[str, dict[str, Any]]] = [(str(user), read_toml(user))]
    if top is not None:
        layers.append((POLICY, read_toml(top / POLICY)))
    layers.append((GIT, {name: found for name, found in git_values.items() if name != "installed"}))
    variables, warnings = _variables(environment)
    layers.append(("environment", variables))
    for where, found in layers:
        for name, value in found.items():
            values[name] = check(name, value, where)
            sources[name] = where
    return Config(values, sources, tuple(warnings))


def user_file(environment: Mapping[str, str]) -> Path:
    """Where the user's own settings live: the platform's configuration directory for `contextgraph`."""
    if base := environment.get("XDG_CONFIG_HOME"):
        return Path(base) / "contextgraph" / "config.toml"
    import platformdirs

    return platformdirs.user_config_path("contextgraph") / "config.toml"


def read_toml(path: Path) -> dict[str, Any]:
    """The `[section] key` values of a file as `section.key`; empty when there is none. Raises UsageError for bad TOML."""
    if not path.is_file():
        return {}
    import tomllib

    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:  # TOML's own errors, bytes that are not UTF-8, a number of 5,000 digits
        raise UsageError(f"{path}: {error}") from None
    except RecursionError:
        raise UsageError(f"{path}: nested too deeply") from None
    flat: dict[str, Any] = {}
    for section, table in tables.items():
        if not isinstance(table, dict):
            raise UsageError(f"{path}: `{section}` stands outside a section", "write it under one, such as [capture]")
        flat |= {f"{section}.{name}": value for name, value in table.items()}
    return flat


def find(name: str, where: str | None = None) -> Key:
    """The key of that name. Raises UsageError with the nearest known one."""
    if key := KEYS.get(name):
        return key
    close = difflib.get_close_matches(name, KEYS, 1, cutoff=0.5)
    place = f"{where}: " if where else ""
    raise UsageError(f"{place}unknown setting `{name}`", f"did you mean `{close[0]}`?" if close else "`cg config list` shows them all")


def check(name: str, value: Any, where: str) -> Value:
    """The value in the key's own type. Raises UsageError with the place, the value and what was expected."""
    key = find(name, where)
    if where == POLICY and not key.policy:
        raise UsageError(f"{POLICY}: `{name}` is a setting of the user, not of a repository", "set it with `cg config set --user`")
    many = where == GIT and isinstance(value, list) and value and not isinstance(key.default, list)
    plain = value[-1] if many else value  # git's rule: the last value of a setting counts
    if isinstance(key.default, bool):
        known = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False, "": True}
        found: Any = plain if isinstance(plain, bool) else known.get(str(plain).lower())
        expected = "true or false"
    elif isinstance(key.default, int):
        found = int(plain) if isinstance(plain, int | str) and re.fullmatch("[0-9]{1,9}", str(plain)) else None
        expected = "a whole number below 1,000,000,000"
    elif isinstance(key.default, list):
        words = plain.split() if isinstance(plain, str) else plain
        found = words if isinstance(words, list) and all(isinstance(item, str) for item in words) else None
        expected = "a list of words"
    else:
        found = plain if isinstance(plain, str) and (not key.choices or plain in key.choices) else None
        expected = "one of " + ", ".join(key.choices) if key.choices else "a string"
    if found is None:
        shown = repr(plain)
        raise UsageError(f"{where}: `{name}` is {shown if len(shown) <= 60 else shown[:59] + '…'}, and must be {expected}")
    result: Value = found
    return result


def _variables(environment: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    known = {key.variable: key.name for key in KEYS.values()}
    ours = {name: value for name, value in environment.items() if name.startswith("CG_")}
    strange = sorted(set(ours) - set(known) - VARIABLES)
    values = {known[name]: value for name, value in ours.items() if name in known and value}  # set and empty is not set
    return values, [f"the variable {name} is not known and has no effect" for name in strange]


def write_toml(path: Path, name: str, value: Value) -> None:
    """Set `section.key` in a TOML file, created when absent; everything else in it stays (comments do not)."""
    import tomllib

    import tomli_w

    read_toml(path)  # a file that cannot be read is not written over
    tables = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    section, _, key = name.partition(".")
    tables.setdefault(section, {})[key] = value
    replace(path, tomli_w.dumps(tables).encode("utf-8"))
