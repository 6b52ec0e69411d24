"""Secrets are masked before a note is written, and nothing that is none is touched: no path, no id, no digest, no prose."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contextgraph import secrets
from contextgraph.trace import Decision, Option, Trace
from tests.conftest import Repo

# Put together here, so that no scanner takes this file for a leak.
FOUND = {
    "AWS Access Key": "AKIA" + "QWERTYUIOPASDFGH",
    "Azure Storage Account access key": "AccountKey=" + "a1B2" * 22,
    "Basic Auth Credentials": "https://ann:" + "hunter2pass@example.com/x",
    "Discord Bot Token": "MTk4NjIyNDgzNDcxOTI1MjQ4" + ".Cl2FMQ." + "ZnCjm1XVW7vRze4b7Cq4se7kKWs",
    "GitHub Token": "ghp_" + "a1B2c3D4e5F6" * 3,
    "GitLab Token": "glpat-" + "a1B2c3D4e5F6a1B2c3D4",
    "JSON Web Token": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0." + "dozjgNryP4J3jVmNHl0w5N",
    "Mailchimp Access Key": "0123456789abcdef" * 2 + "-us12",
    "OpenAI Token": "sk-" + "a1B2c3D4e5F6a1B2c3D4" + "T3BlbkFJ" + "a1B2c3D4e5F6a1B2c3D4",
    "Private Key": "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEow" * 9 + "\n-----END RSA PRIVATE KEY-----",
    "PyPI Token": "pypi-AgEIcHlwaS5vcmc" + "a1B2" * 20,
    "SendGrid API Key": "SG." + "a1B2c3D4e5F6a1B2c3D4e5" + "." + "a1B2c3D4e5F6a1B2c3D4e5F6a1B2c3D4e5F6a1B2c3D",
    "Slack Token": "xoxb-" + "123456789012-123456789012-" + "a1b2c3d4e5f6",
    "Square OAuth Secret": "sq0csp-" + "a1B2c3D4e5F6a1B2c3D4e5F6a1B2c3D4e5F6a1B2c3D",
    "Stripe Access Key": "sk_live_" + "a1B2c3D4e5F6" * 2,
    "Telegram Bot Token": "110201543:" + "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawZ"[:35],
    "Twilio API Key": "SK" + "0123456789abcdef" * 2,
    "Google API Key": "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
    "NPM Token": "npm_" + "a1B2c3D4e5F6" * 3,
}
KEYWORDS = [
    'password = "hunter2-hunter2"',
    "api_key: 5f4dcc3b5aa765d61d8327deb882cf99",
    "token=tok3n-0f-m1ne",
    "db_password := s3cret-word",
]
UNTOUCHED = [
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895",
    "token=53aa51172d142c89d9012cce15ae4d6cc0ca6895",
    "secret 53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "1767225600:53aa51172d142c89d9012cce15ae4d6cc0ca6895",
    "cg-0123456789ab supersedes cg-ba9876543210",
    "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    "sha512:" + "0123456789abcdef" * 8,
    "src/auth/password_reset.py",
    "see src/auth/token.py:12 for password=reset",
    "secret: /etc/ssl/private/server.pem",
    "https://example.com/a/b?c=d#e and git@github.com:org/repo.git",
    "https://github.com/org/repo/pull/12",
    "the password must be hashed with argon2id",
    "token bucket: smooth under load",
    "tokens = min(burst, tokens + elapsed * rate)",
    "secret: use Vault instead of env",
    "api_key = os.environ['API_KEY']",
    "password=${PASSWORD} and token=$TOKEN and secret={{ vault }}",
    "secret=contextgraph.config.load",
    "password_hash: bcrypt",
    "disk-based-index-with-a-very-long-name-that-goes-on-and-on-and-on",
    "def test_token(): assert secret == expected",
    "0f8fad5b-d9cb-469f-a165-70867728950e",
]


@pytest.mark.parametrize("kind", FOUND)
def test_each_format_is_masked_whole(kind: str) -> None:
    text, kinds = secrets.mask(f"before {FOUND[kind]} after")
    assert kind in kinds
    assert text.startswith("before ") and text.endswith(" after")
    inside = FOUND[kind].removeprefix("https://ann:").removesuffix("@example.com/x").removeprefix("AccountKey=")
    assert inside not in text and inside[-6:] not in text.removesuffix(" after").replace(f"[masked: {kind}]", "")


@pytest.mark.parametrize("text", KEYWORDS)
def test_a_value_beside_a_telling_name_is_masked(text: str) -> None:
    masked, kinds = secrets.mask(text)
    assert kinds and "[masked: " in masked and masked.split("[")[0] in text


@pytest.mark.parametrize("text", UNTOUCHED)
def test_nothing_else_is_touched(text: str) -> None:
    assert secrets.mask(text) == (text, [])


def test_the_cheap_look_lets_no_format_pass() -> None:
    for text in [*FOUND.values(), *KEYWORDS]:
        assert secrets._HINT.search(text), text


def test_masking_twice_changes_nothing() -> None:
    for text in [*FOUND.values(), *KEYWORDS]:
        once, _ = secrets.mask(text)
        assert secrets.mask(once) == (once, [])


def test_what_the_policy_allows_stays() -> None:
    key = FOUND["AWS Access Key"]
    assert secrets.mask(key, [key]) == (key, [])
    assert secrets.mask(key, ["AKIAQW*"]) == (key, [])
    assert secrets.mask(key, ["AKIAX*"])[1] == ["AWS Access Key"]


def test_every_text_of_a_trace_is_looked_at() -> None:
    key = FOUND["GitHub Token"]
    given = Trace(
        summary=key, decisions=[Decision(options=[Option(description=key, pros=[key])], selected=0, reasoning=key)], branch="main"
    )
    cleaned, kinds = secrets.clean(given)
    assert key not in repr(cleaned) and len(kinds) == 4 and cleaned.branch == "main"
    assert secrets.clean({"password": "hunter2-hunter2", "path": "src/a.py"})[0] == {
        "password": "[masked: Secret Keyword]",
        "path": "src/a.py",
    }


def test_a_text_without_a_mark_costs_no_import() -> None:
    code = (
        "import sys; from contextgraph import secrets; secrets.mask('a plain reason: smooth under load' * 50);"
        "assert not [name for name in sys.modules if name.startswith('detect_secrets')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    started = time.perf_counter()
    for _ in range(1_000):
        secrets.mask("A reason as people write it, of about two hundred characters, with a path src/a.py and a sha 53aa51172d142c8. " * 2)
    assert time.perf_counter() - started < 1.0


def test_a_long_hostile_text_does_not_hang() -> None:
    for text in (
        "password=" * 7_000,
        "://a:" * 13_000,
        "eyJ" * 20_000,
        "a" * 64_000,
        "aws secret '" * 5_000,
        "-----BEGIN RSA PRIVATE KEY-----" * 2_000,
    ):
        started = time.perf_counter()
        secrets.mask(text)
        assert time.perf_counter() - started < 5.0, text[:20]


@pytest.mark.parametrize("how", ["record", "decide", "commit", "stage", "supersede", "ack"])
def test_no_way_in_lets_a_secret_through(graphed: Repo, how: str) -> None:
    key = FOUND["AWS Access Key"]
    said = ""
    if how == "record":
        said = graphed.cg("record", stdin=json.dumps({"summary": f"use {key}"})).stderr
    elif how == "decide":
        said = graphed.cg("decide", f"use {key}", "--commit", "HEAD").stderr
    elif how == "stage":
        said = graphed.cg("decide", f"use {key}").stderr
        assert key.encode() not in (graphed.home / "staged" / "main").read_bytes()
        graphed.commit("next")
        graphed.cg("refresh")
    elif how == "commit":
        graphed.commit(f"subject\n\nDecision: use {key}")
        said = graphed.cg("refresh").stderr
    elif how == "supersede":
        graphed.cg("record", stdin=json.dumps({"decisions": [{"context": "a"}, {"context": "b"}]}))
        ids = [each["id"] for each in json.loads(graphed.cg("why", "HEAD", "--json").stdout)["trace"]["decisions"]]
        said = graphed.cg("supersede", *ids, "--because", key).stderr
    else:
        said = graphed.cg("ack", "f-1", "--because", key).stderr
    assert "secret was masked" in said or "looks like a secret was masked" in said
    assert "AWS Access Key" in said and key not in said
    lines = graphed.note()
    assert any("[masked: AWS Access Key]" in line for line in lines) and not any(key in line for line in lines)
    for path in graphed.home.rglob("*"):
        if path.is_file() and not path.name.startswith("index.db"):
            assert key.encode() not in path.read_bytes(), path


def test_the_policy_file_has_the_allow_list(graphed: Repo) -> None:
    key = FOUND["AWS Access Key"]
    (graphed.path / ".contextgraph.toml").write_text(f'[secrets]\nallow = ["{key}"]\n')
    assert "masked" not in graphed.cg("record", stdin=json.dumps({"summary": f"use {key}"})).stderr
    assert any(key in line for line in graphed.note())


def test_no_commit_message_of_our_own_history_is_touched() -> None:
    root = Path(__file__).parent.parent
    if not (root / ".git").exists():
        pytest.skip("not in a checkout")
    log = subprocess.run(["git", "-C", str(root), "log", "-n", "300", "--format=%B%x00"], capture_output=True, check=True, text=True).stdout
    touched = [message for message in log.split("\0") if secrets.mask(message)[1]]
    assert touched == []
