"""Whose lab it is, and the values that are theirs."""

import re

import msgspec

from labkit.seen.reference import HUB, Reference

USERNAME, VERSION = "myusername", "v1.0.0"
"""The names that lessons, hints and solutions are written with."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """The learner of a personal lab, with a user name, a version and a mark of their own; without a learner, the lesson's."""

    learner: str = ""
    username: str = USERNAME
    version: str = VERSION
    secret: str = ""

    def image(self, app: str) -> Reference:
        """The name that this person gives to an app: myusername/APP:v1.0.0, or with values of their own."""
        return Reference(HUB, f"{self.username}/{app}", self.version)

    def personal(self, text: str) -> str:
        """A text of the lesson's, with this person's values in place of the lesson's. Never for what was observed: what is
        there is judged and told as it is."""
        if not self.learner:
            return text
        values = {USERNAME: self.username, VERSION: self.version}
        words = "|".join(map(re.escape, values))
        return re.sub(rf"(?<![A-Za-z0-9])(?:{words})(?![A-Za-z0-9])", lambda match: values[match[0]], text)
