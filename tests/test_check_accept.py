"""What a reviewer does with a finding: reads it in a narrow terminal, pastes what accepts it, and never hears of it again."""

import json
import os
import subprocess
from typing import Any

import pytest
from rich.console import Console

from contextgraph.check.finding import Precedent, Report, make
from contextgraph.report import text
from tests.conftest import CG, Repo

RETRY = """def retry(call, times):
    for attempt in range(times):
        try:
            return call()
        except TimeoutError:
            backoff(attempt)
"""
TOKENS = """TOKEN_LIFETIME = 3600


def issue_token(user):
    claims = {"sub": user.identity, "exp": now() + TOKEN_LIFETIME}
    return sign_with_key(claims, private_key())
"""
DECIDED = """Sign tokens

Context: How do services trust a token?
Decision: RS256 with a key pair
Rejected: A shared HMAC secret | every service could forge tokens
Risk: high"""
EVERY = ["chain", "contradiction", "guard", "reintroduced", "rejected", "removed", "undecided"]


@pytest.fixture
def wrong(repo: Repo) -> Repo:
    """A branch that breaks nearly every rule."""
    repo.commit("Cache\n\nDecision: JSON for cache entries\nGuard: src/**: \\bpickle\\.loads?\\(", {"src/cache.py": "import json\n"})
    repo.commit(DECIDED, {"src/auth/tokens.py": TOKENS})
    repo.commit("Add retries", {"src/retry.py": RETRY})
    repo.git("revert", "--no-edit", "HEAD")
    repo.commit("Policy", {".contextgraph.toml": '[check]\nrequire = ["lib/**"]\n'})
    repo.git("checkout", "--quiet", "-b", "feature")
    repo.commit("Faster", {"src/cache.py": "import json\n\nvalue = pickle.load(stream)\n"})
    repo.commit("Robust", {"src/retry.py": RETRY})
    repo.commit("Simplify", {"src/auth/tokens.py": "def plain(user):\n    return user.name\n"})
    lines = "\n\ndef quick(user):\n    shared_secret = settings.hmac_secret\n    return hmac.new(shared_secret, user.name)\n"
    message = (
        "Quick\n\nContext: How do services trust a token?\nDecision: A shared HMAC secret\nDecision: Other\nSupersedes: cg-000000000000"
    )
    repo.commit(message, {"src/auth/quick.py": lines})
    repo.commit("Library", {"lib/a.py": "x = 1\n"})
    return repo


def found(repo: Repo, code: int) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(repo.cg("check", "--json", code=code).stdout)
    return answer


def left(answer: dict[str, Any]) -> list[str]:
    return sorted(each["rule"] for each in answer["findings"] if each["level"] != "note")


def test_the_command_that_accepts_a_finding_works_as_it_is_pasted(wrong: Repo) -> None:
    first = found(wrong, 1)
    assert left(first) == EVERY
    environment = {**os.environ, "PATH": f"{CG.parent}{os.pathsep}{os.environ['PATH']}"}
    for each in first["findings"]:
        subprocess.run(["sh", "-c", each["ack"]], cwd=wrong.path, env=environment, check=True, capture_output=True)
    assert left(found(wrong, 0)) == []
    wrong.git("checkout", "--quiet", "main")
    wrong.commit("Main goes on", {"README.md": "hello\n"})
    wrong.git("rebase", "--quiet", "main", "feature")
    after = found(wrong, 0)
    assert left(after) == [] and {each["finding"]["id"] for each in after["accepted"]} >= {each["id"] for each in first["findings"]}


def test_the_trailer_that_accepts_a_finding_works_as_it_is_pasted(wrong: Repo) -> None:
    trailers = "\n".join(each["trailer"] for each in found(wrong, 1)["findings"])
    wrong.git("commit", "--quiet", "--allow-empty", "-m", f"Meant so\n\n{trailers}")
    assert left(found(wrong, 0)) == []


def test_what_a_finding_names_as_its_cure_is_one(wrong: Repo) -> None:
    """`Supersedes:`, a citation of the revert, a decision on the commit: each as the finding says it."""
    why = {each["rule"]: each for each in found(wrong, 1)["findings"]}
    decided = why["undecided"]["why"].split("`")[-2].replace("…", "The library may change")
    environment = {**os.environ, "PATH": f"{CG.parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["sh", "-c", decided], cwd=wrong.path, env=environment, check=True, capture_output=True)
    supersedes = why["removed"]["why"].split("`")[1]
    wrong.git("commit", "--quiet", "--allow-empty", "-m", f"Other keys\n\nDecision: Keys are shared now\n{supersedes}")
    assert left(found(wrong, 1)) == ["chain", "guard", "reintroduced"]


@pytest.mark.parametrize("width", [40, 60, 100])
def test_what_is_to_be_pasted_stands_on_one_line(width: int) -> None:
    each = make("guard", "error", ("x",), "long words " * 20, "a reason " * 30, Precedent("a" * 40, "cg-0123456789ab", "in force"))
    console = Console(width=width, color_system=None, highlight=False)
    with console.capture() as captured:
        console.print(text.show(Report("main..HEAD", "0" * 40, "1" * 40, 1, [each], [], [])))
    lines = captured.get().split("\n")
    assert any(each.ack in line for line in lines) or width < 12 + len(each.ack)
    assert any(each.trailer in line for line in lines) and max(map(len, lines)) <= width
