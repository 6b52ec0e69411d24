"""What a check found: one sentence, its cure, and what it is about."""

import msgspec


class Found(msgspec.Struct, frozen=True):
    """`subject` tells two findings of one check apart (a remote, a key, a file)."""

    message: str
    cure: str
    subject: str = ""
