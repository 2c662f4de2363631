"""Whose lab it is, and that person's own values."""

import re

import msgspec

from labkit.seen.reference import HUB, Reference

USERNAME, VERSION = "myusername", "v1.0.0"
"""The names that lessons, hints and solutions use."""

NEXT = "v1.1.0"
"""The version that follows there: see Person.next_version."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """The learner of a personal lab, with their own user name, version and mark. Without a learner, the lesson's values."""

    learner: str = ""
    username: str = USERNAME
    version: str = VERSION
    secret: str = ""

    def image(self, app: str) -> Reference:
        """This person's name for an app's image: myusername/APP:v1.0.0, or with their own values."""
        return Reference(HUB, f"{self.username}/{app}", self.version)

    @property
    def next_version(self) -> str:
        """The version that follows with a new feature, by the rules of semantic versions: the second number goes up, the third
        starts again at 0. A version of another form only gets a word more."""
        parts = re.fullmatch(r"(v?\d+)\.(\d{1,9})\.\d+", self.version, re.ASCII)
        return f"{parts[1]}.{int(parts[2]) + 1}.0" if parts else f"{self.version}-next"

    def next_image(self, app: str) -> Reference:
        """This person's name for the next version of an app's image: myusername/APP:v1.1.0, or with their own values."""
        return Reference(HUB, f"{self.username}/{app}", self.next_version)

    def personal(self, text: str) -> str:
        """A text of the lesson with this person's values instead of the lesson's. Never use it for what was observed, which is
        judged and shown as it is."""
        if not self.learner:
            return text
        values = {USERNAME: self.username, VERSION: self.version, NEXT: self.next_version}
        words = "|".join(map(re.escape, values))
        return re.sub(rf"(?<![A-Za-z0-9])(?:{words})(?![A-Za-z0-9])", lambda match: values[match[0]], text)
