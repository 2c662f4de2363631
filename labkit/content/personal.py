"""Personal labs: each learner of a workshop has a user name, a version and a mark of their own.

Lessons, checks and solutions are written for `myusername` and `v1.0.0`. `swap` exchanges these two with the learner's, in any
text and both ways, so lessons and messages show the learner's own values while the checks stay as they are; and what belongs
to somebody else, the default's owner included, is somebody else's.
"""

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass

USERNAME, VERSION = "myusername", "v1.0.0"
LABEL = "lab.secret"
"""The label that an image of a personal lab is to carry."""


@dataclass(frozen=True)
class Person:
    """Whose lab it is. Without a learner everything has its default, and swap changes nothing."""

    learner: str = ""
    username: str = USERNAME
    version: str = VERSION
    secret: str = ""

    def swap(self, text: str) -> str:
        """The text with the default's values and the learner's exchanged. Twice is the text again."""
        if not self.learner:
            return text
        pairs = {USERNAME: self.username, self.username: USERNAME, VERSION: self.version, self.version: VERSION}
        words = "|".join(map(re.escape, pairs))
        return re.sub(rf"(?<![A-Za-z0-9])(?:{words})(?![A-Za-z0-9])", lambda match: pairs[match[0]], text)


def person(learner: str = "", workshop: str = "") -> Person:
    """The values of a learner, from the name and the workshop's seed: the same everywhere, different for each."""
    if not learner:
        return Person()
    digest = hmac.new(workshop.encode(), learner.encode(), hashlib.sha256).hexdigest()
    plain = unicodedata.normalize("NFKD", learner).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]", "", plain)[:12] or "learner"
    major, minor, patch = (int(digest[at : at + 4], 16) for at in (4, 8, 12))
    version = f"v{2 + major % 8}.{minor % 20}.{patch % 20}"
    return Person(learner, f"{stem}{digest[:4]}", version, digest[16:28])
