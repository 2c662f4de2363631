"""What nobody saw but the learner's own side says, and what the workshop's owner said of it."""

import msgspec

HERE = "here"
"""The place, in `sign_ins`, that is the learner's own Docker configuration."""


SECTIONS = ("answers", f"sign_ins/{HERE}")
"""Where an observation holds claims."""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody who has the right answers said of one answer to a quiz."""

    answer: str
    right: bool
    told: str = ""
    """The explanation, of a right answer."""


class Claims(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """None for what was not asked for."""

    here: dict[str, str] | None = None
    """Sign-ins that the learner's own Docker configuration keeps: {registry as docker names it: account}."""
    answers: dict[str, dict[str, str]] | None = None
    """{exercise: {question: answer}}"""
    judged: dict[str, dict[str, Judged]] = {}
    """{exercise: {question: what was said of the answer}}: never the learner's side's to say."""


NOTHING = Claims()
