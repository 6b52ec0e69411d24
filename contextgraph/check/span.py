"""Which commits are meant: from the words of a range, or from where HEAD left the target branch."""

import os
import re

import msgspec

from contextgraph import commits
from contextgraph.check.change import count, merge_base
from contextgraph.errors import NotFoundError
from contextgraph.git import Git
from contextgraph.status.landing import Target


class Span(msgspec.Struct, frozen=True):
    """`base` is None at the beginning of history, or where it could not be found (then `blind` says why). `historic`: the
    target branch has `head` already, so only what `base` reaches counts as precedent."""

    text: str
    base: str | None
    head: str
    historic: bool = False
    blind: str | None = None


def find(git: Git, words: str, target: Target | None, head: str, shallow: bool) -> Span:
    """Raises NotFoundError for what is no commit or no range."""
    if words:
        return _named(git, words, target, shallow)
    if target is None:
        return Span("HEAD", None, head, blind="there is no target branch here to compare with")
    tips = [tip for tip in target.tips if tip != head]
    bases = [base for tip in tips if (base := merge_base(git, tip, head))]
    text = f"{target.name}..HEAD"
    if not tips:
        return Span(text, head, head, historic=True)
    if not bases:
        words = f"the commit where this branch left {target.name} is not here"
        if shallow:
            return Span(text, None, head, blind=words)
        raise NotFoundError(f"HEAD and {target.name} have no commit in common", "name a range, such as HEAD~3..HEAD")
    base = min(bases, key=lambda each: count(git, each, head))
    return Span(text, base, head, historic=_reached(git, target, head))


def _named(git: Git, words: str, target: Target | None, shallow: bool) -> Span:
    old, dots, new = re.match(r"(.*?)(\.{2,3}|\Z)(.*)\Z", words.strip(), re.DOTALL).groups()  # type: ignore[union-attr]
    words = words if words.isascii() else commits.text(os.fsencode(words))  # asked by its bytes, shown as text
    if not dots:
        head = _commit(git, old, words)
        return Span(words, git.maybe("rev-parse", "--verify", "--quiet", f"{head}^1"), head, historic=_reached(git, target, head))
    head, start = _commit(git, new or "HEAD", words), _commit(git, old or "HEAD", words)
    base = merge_base(git, start, head)
    if base is None and shallow:
        return Span(words, None, head, blind=f"the commit that `{old}` and `{new or 'HEAD'}` have in common is not here")
    if base is None:
        raise NotFoundError(f"`{old}` and `{new or 'HEAD'}` have no commit in common", "such as main..HEAD")
    return Span(words, base, head, historic=_reached(git, target, head))


def _commit(git: Git, name: str, words: str) -> str:
    sha = git.maybe("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if sha is None:
        raise NotFoundError(f"`{words}` is no range of commits here: `{name}` is not a commit", "such as main..HEAD")
    return sha


def _reached(git: Git, target: Target | None, head: str) -> bool:
    return any(git.maybe("merge-base", "--is-ancestor", head, tip) is not None for tip in (target.tips if target else ()))
