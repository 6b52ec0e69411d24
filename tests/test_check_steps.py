"""The ready-made steps, run as their hosts run them: the lines of the files themselves, on clones made as runners make them."""

import json
import os
import re
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import CG, Repo

TOP = Path(__file__).parents[1]
ACTION = yaml.safe_load((TOP / "action.yml").read_text(encoding="utf-8"))
GITLAB = yaml.safe_load((TOP / "ci" / "gitlab.yml").read_text(encoding="utf-8"))
BROKEN = {"src/b.py": "y = pickle.load(z)\n"}


class Remote:
    """A bare repository: `main` has a decision in a message and one in a note; `feature` breaks the first."""

    def __init__(self, repo: Repo, path: Path) -> None:
        self.repo = repo
        self.path = path
        self.url = f"file://{path}"
        self.runners = 0
        repo.commit("Cache\n\nDecision: JSON\nGuard: src/**: \\bpickle\\.load", {"src/a.py": "x = 1\n"})
        repo.cg("decide", "Notes travel", "--commit", "HEAD")
        repo.git("checkout", "--quiet", "-b", "feature")
        repo.commit("Faster", BROKEN)
        repo.git("clone", "--quiet", "--bare", str(repo.path), str(path))
        self.git("symbolic-ref", "HEAD", "refs/heads/main")
        repo.git("push", "--quiet", str(path), "refs/notes/contextgraph")
        repo.git("checkout", "--quiet", "main")

    def git(self, *arguments: str) -> str:
        return subprocess.run(["git", "--git-dir", self.path, *arguments], check=True, capture_output=True, text=True).stdout.strip()

    def offer(self, ref: str) -> str:
        """What a host keeps for a pull request: the merge of `feature` into `main`."""
        tree = self.git("merge-tree", "--write-tree", "main", "feature").split()[0]
        merge = self.git("commit-tree", tree, "-p", "main", "-p", "feature", "-m", "Merge feature into main")
        self.git("update-ref", ref, merge)
        return merge

    def land(self) -> tuple[str, str, str]:
        """Merge good work as pull request 12: (main before, its commit, main after)."""
        before = self.git("rev-parse", "main")
        self.repo.git("checkout", "--quiet", "-b", "good", "main")
        landed = self.repo.commit("Good work", {"src/c.py": "z = 1\n"})
        self.repo.git("checkout", "--quiet", "main")
        self.repo.git("merge", "--quiet", "--no-ff", "-m", "Merge pull request #12 from ann/good", "good")
        self.repo.git("push", "--quiet", str(self.path), "main")
        return before, landed, self.git("rev-parse", "main")

    def read_only(self) -> None:
        """Every push is refused, as for the token of a fork."""
        hook = self.path / "hooks" / "pre-receive"
        hook.write_text("#!/bin/sh\necho 'permission denied' >&2\nexit 1\n")
        hook.chmod(hook.stat().st_mode | stat.S_IXUSR)

    def runner(self, refs: str, sha: str, *flags: str) -> Path:
        """A clone as a runner makes it: what is asked for is fetched, HEAD is detached, no remote has a HEAD."""
        self.runners += 1
        path = self.path.with_name(f"runner-{self.runners}")
        subprocess.run(["git", "init", "--quiet", str(path)], check=True)
        subprocess.run(["git", "-C", path, "remote", "add", "origin", self.url], check=True)
        subprocess.run(["git", "-C", path, "fetch", "--quiet", *flags, "origin", *refs.split()], check=True)
        subprocess.run(["git", "-C", path, "checkout", "--quiet", "--detach", sha], check=True)
        return path

    def note(self, sha: str) -> str:
        return self.git("notes", "--ref", "contextgraph", "show", sha)


@pytest.fixture
def remote(repo: Repo, tmp_path: Path) -> Remote:
    return Remote(repo, tmp_path / "remote.git")


ALL = "+refs/heads/*:refs/remotes/origin/* +refs/tags/*:refs/tags/*"


def sh(directory: Path, script: str, variables: Mapping[str, str], *shell: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{CG.parent}{os.pathsep}{os.environ['PATH']}", **variables}
    command = [*(shell or ("sh", "-e")), "-c", script]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


def evaluated(text: str, known: Mapping[str, str]) -> str:
    """A value of action.yml with its expressions worked out: names, quoted words, `==`, `&&`, `||`."""

    def one(match: re.Match[str]) -> str:
        words = re.sub(r"'[^']*'|\b[a-z]+(?:\.[a-z_]+)+", lambda each: repr(known[each[0]]) if each[0][0] != "'" else each[0], match[1])
        return str(eval(words.replace("&&", " and ").replace("||", " or ")))

    return re.sub(r"\$\{\{(.*?)\}\}", one, text)


def action(directory: Path, event: Mapping[str, str], **inputs: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run the step of action.yml that checks; returns what it did, and the job summary."""
    step = next(each for each in ACTION["runs"]["steps"] if each.get("name") == "cg check")
    summary = directory.with_name(f"{directory.name}-summary.md")
    given = {f"inputs.{name}": inputs.get(name, str(field["default"])) for name, field in ACTION["inputs"].items()}
    known = {"github.action_path": str(TOP), "github.event.repository.default_branch": "main", "github.event.before": "", **given, **event}
    variables = {name: evaluated(value, known) for name, value in step["env"].items()} | {"GITHUB_STEP_SUMMARY": str(summary)}
    done = sh(directory, step["run"], variables, "sh", "-e")
    return done, summary.read_text(encoding="utf-8") if summary.exists() else ""


PULL = {"github.event_name": "pull_request", "github.base_ref": "main", "github.ref_name": "7/merge"}
PUSH = {"github.event_name": "push", "github.base_ref": "", "github.ref_name": "main"}


def test_the_action_on_a_pull_request(remote: Remote, tmp_path: Path) -> None:
    """As actions/checkout leaves it with `fetch-depth: 0`: HEAD is the merge that the host made. Nothing is pushed, so forks work."""
    merge = remote.offer("refs/pull/7/merge")
    remote.read_only()
    runner = remote.runner(f"{ALL} +refs/pull/7/merge:refs/remotes/pull/7/merge", merge)
    done, summary = action(runner, PULL, sarif=str(tmp_path / "out.sarif"))
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.startswith("::error file=src/b.py,line=1,") and "1 error" in done.stdout
    assert "src/b.py:1" in summary and json.loads((tmp_path / "out.sarif").read_text())["version"] == "2.1.0"


def test_the_action_deepens_a_clone_of_depth_one(remote: Remote) -> None:
    merge = remote.offer("refs/pull/7/merge")
    runner = remote.runner("+refs/pull/7/merge:refs/remotes/pull/7/merge", merge, "--depth=1")
    assert action(runner, PULL)[0].returncode == 1


def test_the_action_that_cannot_see_says_so(remote: Remote) -> None:
    merge = remote.offer("refs/pull/7/merge")
    runner = remote.runner("+refs/pull/7/merge:refs/remotes/pull/7/merge", merge, "--depth=1")
    remote.path.rename(remote.path.with_name("gone.git"))
    done, summary = action(runner, PULL)
    assert done.returncode == 3 and "fetch-depth: 0" in done.stdout and "fetch-depth: 0" in summary
    assert "nothing could be checked" in done.stdout and "no target branch was found" not in done.stdout
    said, _ = action(runner, PULL, incomplete="say")
    assert said.returncode == 0 and "could not see everything" in said.stderr


def test_the_action_on_the_default_branch(remote: Remote) -> None:
    """The pull request landed: its number is recorded, what changed is told, and the notes reach the remote."""
    before, landed, after = remote.land()
    runner = remote.runner(ALL, after)
    done, _ = action(runner, {**PUSH, "github.event.before": before})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 commits landed in main through #12" in done.stderr and "landed, 0 pending, 0 reverted in main" in done.stdout
    note = remote.note(landed)
    assert '"kind":"merged"' in note and '"via":"#12"' in note
    again, _ = action(remote.runner(ALL, after), {**PUSH, "github.event.before": before})
    assert again.returncode == 0 and remote.note(landed) == note


@pytest.mark.parametrize("record", ["true", "false"])
def test_the_action_with_a_token_that_may_not_write(remote: Remote, record: str) -> None:
    before, _, after = remote.land()
    remote.read_only()
    done, _ = action(remote.runner(ALL, after), {**PUSH, "github.event.before": before}, record=record)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("may not write" in done.stderr) == (record == "true")


def test_the_action_when_what_was_before_is_gone(remote: Remote) -> None:
    """A branch that was made or forced: the event names no commit that is here."""
    *_, after = remote.land()
    done, _ = action(remote.runner(ALL, after), {**PUSH, "github.event.before": "0" * 40})
    assert done.returncode == 0 and "HEAD^1..HEAD" in done.stdout, done.stdout + done.stderr


def test_the_action_is_strict_where_it_is_asked_to_be(remote: Remote) -> None:
    remote.repo.git("checkout", "--quiet", "-b", "warned", "main")
    remote.repo.commit("Chain\n\nDecision: x\nSupersedes: cg-000000000000", {"src/d.py": "d = 1\n"})
    remote.repo.git("push", "--quiet", str(remote.path), "warned")
    tip = remote.git("rev-parse", "warned")
    assert action(remote.runner(ALL, tip), PULL)[0].returncode == 0
    assert action(remote.runner(ALL, tip), PULL, strict="true")[0].returncode == 1


def gitlab(directory: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the script of ci/gitlab.yml with the variables of the first rule that holds, nested ones worked out."""
    job = GITLAB["contextgraph"]
    branch = variables.get("CI_COMMIT_BRANCH")
    ruled = job["rules"][1]["variables"] if branch == "main" else {}
    declared: dict[str, str] = job["variables"] | ruled
    given = {name: re.sub(r"\$\{(\w+)\}", lambda each: variables.get(each[1], each[0]), value) for name, value in declared.items()}
    return sh(directory, "\n".join(job["script"]), {**variables, **given})


def test_gitlab_on_a_merge_request(remote: Remote) -> None:
    sha = remote.git("rev-parse", "feature")
    remote.git("update-ref", "refs/merge-requests/3/head", sha)
    remote.git("branch", "-D", "feature")
    runner = remote.runner(f"{ALL} +refs/merge-requests/3/head:refs/pipelines/3", sha)
    request = {"CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_DEFAULT_BRANCH": "main"}
    done = gitlab(runner, **request)
    assert done.returncode == 1, done.stdout + done.stderr
    quality = json.loads((runner / "gl-code-quality-report.json").read_text())
    assert quality[0]["location"]["path"] == "src/b.py" and "cg ack" in quality[0]["description"]


def test_gitlab_knows_for_which_branch_a_merge_request_is(remote: Remote) -> None:
    """For `release`, which has `feature` already, nothing is new."""
    remote.git("branch", "release", "feature")
    tip = remote.git("rev-parse", "feature")
    done = gitlab(remote.runner(ALL, tip), CI_MERGE_REQUEST_TARGET_BRANCH_NAME="release", CI_DEFAULT_BRANCH="main")
    assert done.returncode == 0 and "release..HEAD: no commits" in done.stdout, done.stdout + done.stderr


def test_gitlab_on_the_default_branch(remote: Remote) -> None:
    before, landed, after = remote.land()
    done = gitlab(remote.runner(ALL, after), CI_COMMIT_BRANCH="main", CI_DEFAULT_BRANCH="main", CI_COMMIT_BEFORE_SHA=before)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"via":"#12"' in remote.note(landed)


def recipes() -> list[str]:
    """The shell blocks of docs/ci.md: the step anywhere, and the same by hand."""
    return re.findall(r"```sh\n(.*?)```", (TOP / "docs" / "ci.md").read_text(encoding="utf-8"), re.DOTALL)


def test_the_recipe_for_any_shell(remote: Remote) -> None:
    branch, landed = recipes()[0].strip().split("\n")
    merge = remote.offer("refs/pull/7/merge")
    runner = remote.runner("+refs/pull/7/merge:refs/pull/7/merge", merge, "--depth=1")
    (runner / "ci").symlink_to(TOP / "ci")
    done = sh(runner, branch, {})
    assert done.returncode == 1 and "src/b.py:1" in (runner / "report.md").read_text(), done.stdout + done.stderr
    before, commit, after = remote.land()
    runner = remote.runner(ALL, after)
    (runner / "ci").symlink_to(TOP / "ci")
    done = sh(runner, landed, {"BEFORE": before})
    assert done.returncode == 0 and '"via":"#12"' in remote.note(commit), done.stdout + done.stderr


def test_the_recipe_by_hand(remote: Remote) -> None:
    runner = remote.runner("+refs/heads/feature:refs/remotes/origin/feature", remote.git("rev-parse", "feature"), "--depth=1")
    blind = sh(runner, "cg check origin/feature~1..HEAD || cg check HEAD", {})
    assert blind.returncode == 3 and "fetch-depth: 0" in blind.stdout + blind.stderr
    done = sh(runner, recipes()[1], {})
    assert done.returncode == 1 and "src/b.py:1 guard" in done.stdout, done.stdout + done.stderr


def test_the_hook_definition_names_what_there_is(remote: Remote) -> None:
    """pre-commit runs `entry` at the top of the clone; the rest of it was tried by hand (docs/ci.md)."""
    (hook,) = yaml.safe_load((TOP / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert hook["stages"] == ["pre-push"] and hook["always_run"] and not hook["pass_filenames"]
    done = sh(remote.runner(ALL, remote.git("rev-parse", "feature")), hook["entry"], {})
    assert done.returncode == 1 and "src/b.py:1 guard" in done.stdout, done.stdout + done.stderr


def test_the_steps_are_pinned() -> None:
    used: list[Any] = [each["uses"] for each in ACTION["runs"]["steps"] if "uses" in each]
    assert used and all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", each) for each in used)
    assert ACTION["runs"]["steps"][0]["with"]["fetch-depth"] == 0 and GITLAB["contextgraph"]["variables"]["GIT_DEPTH"] == "0"
    assert "==" in GITLAB["variables"]["CONTEXTGRAPH"]
