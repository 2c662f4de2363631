"""The forms of names, digests and texts. What comes from outside is measured by them before it is used or kept."""

import hashlib
import re
from typing import Any

NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
"""A repository's name (OCI distribution specification 1.1, "Pulling manifests")."""

TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
"""A tag (the same)."""

DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
"""A digest of the algorithms that are registered (OCI image specification 1.1, "Registered Algorithms")."""

UPLOAD = re.compile(r"uploads/(?:[a-zA-Z0-9-]{1,64})?")
"""Where blobs are sent: a new upload, or one by the id that the store gave it (a UUID)."""

LONGEST_NAME = 255
"""Letters of a repository's name; Distribution takes no longer one (reference.go: RepositoryNameTotalLengthMax)."""

LONGEST_TEXT = 16 * 1024
"""Letters of a text that is told on; the end of a longer one is cut, and "…" says so."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def is_repository(name: Any) -> bool:
    """Whether this is a repository's name: no path that leads elsewhere, no odd letter, not too long."""
    return isinstance(name, str) and len(name) <= LONGEST_NAME and NAME.fullmatch(name) is not None


def is_digest(value: Any) -> bool:
    """Whether this is a digest, in the form in which the store has it for a folder's name."""
    return isinstance(value, str) and DIGEST.fullmatch(value) is not None


def clean(value: Any, longest: int = LONGEST_TEXT) -> str:
    """A text that any reader of JSON takes: "" for what is none, "\ufffd" for half a surrogate pair, cut where too long."""
    if not isinstance(value, str):
        return ""
    cut = value if len(value) <= longest else value[:longest] + "…"
    return cut if cut.isascii() else _SURROGATE.sub("\ufffd", cut)


def digest_of(data: bytes) -> str:
    """The digest under which the store has these bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
