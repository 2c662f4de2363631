"""What only the learner's own side says and nobody saw, and what the workshop's owner says about it."""

import msgspec

HERE = "here"
"""The place, in `sign_ins`, that is the learner's own Docker configuration."""


SECTIONS = ("answers", f"sign_ins/{HERE}")
"""The parts of an observation that are claims."""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody who has the right answers says about one answer to a quiz."""

    answer: str
    right: bool
    told: str = ""
    """Why it is right, or what is wrong with it."""


class Claims(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """None for what was not asked for."""

    here: dict[str, str] | None = None
    """Sign-ins in the learner's own Docker configuration: {registry as docker names it: account}."""
    answers: dict[str, dict[str, str]] | None = None
    """{exercise: {question: answer}}"""
    judged: dict[str, dict[str, Judged]] = {}
    """{exercise: {question: what was said about the answer}}. The learner's side can never set this."""


NOTHING = Claims()
