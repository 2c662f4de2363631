"""Personal labs: each learner of a workshop has a user name, a version and a mark of their own.

Lessons, hints and solutions are written with the lesson's names and shown with the learner's (`Person.personal`); checks ask
the person for its values.
"""

import hashlib
import hmac
import re
import unicodedata

from labkit.seen.person import Person

LABEL = "lab.secret"
"""The label that an image of a personal lab is to carry."""


def person(learner: str = "", workshop: str = "") -> Person:
    """The values of a learner, from the name and the workshop's seed: the same everywhere, different for each."""
    if not learner:
        return Person()
    digest = hmac.new(workshop.encode(), learner.encode(), hashlib.sha256).hexdigest()
    plain = unicodedata.normalize("NFKD", learner).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]", "", plain)[:12] or "learner"
    major, minor, patch = (int(digest[at : at + 4], 16) for at in (4, 8, 12))
    version = f"v{2 + major % 8}.{minor % 20}.{patch % 20}"
    return Person(learner=learner, username=f"{stem}{digest[:4]}", version=version, secret=digest[16:28])
