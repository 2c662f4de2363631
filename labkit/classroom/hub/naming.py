"""What learners are called as users of the system and of JupyterHub. Only values."""

import hashlib
import re
import unicodedata

STEM, DIGITS = 10, 12
"""Characters of a user's name that are for people, and hexadecimal digits that keep it apart from all others. A name has at
most 29 characters: Linux allows 32."""

FIRST, NUMBERS = 1_000_000_000, 1_000_000_000
"""The numbers that users of the system get: far from those that a system gives by itself, to people or to containers."""

MARK = "Registry Lab"
"""How the comment of every user begins that a classroom has made (the fifth field in /etc/passwd)."""


def realm(public: str) -> str:
    """Names the workshop that a user belongs to, from its public key: two workshops with the same name share no users."""
    return hashlib.sha256(public.encode()).hexdigest()[:16]


def comment(realm: str) -> str:
    """Marks a user as that workshop's. Users are found by it: there is no other record of them."""
    return f"{MARK} {realm}"


def learner(realm: str, ident: str) -> str:
    """The user's name of the learner with this id, whatever script it is in and however long: small letters, digits and
    hyphens. The digits come from a hash of workshop and whole id."""
    return _name("lab", realm, ident)


def staff(realm: str, ident: str) -> str:
    """The same for an instructor, who is a user of JupyterHub and none of the system."""
    return _name("staff", realm, ident)


def number(name: str) -> int:
    """The user's number, the same on every server and nobody else's: what is on a disk that servers share, or was left behind
    in /tmp, is never another learner's."""
    return FIRST + int.from_bytes(hashlib.sha256(f"number\0{name}".encode()).digest()[:8]) % NUMBERS


def _name(kind: str, realm: str, ident: str) -> str:
    plain = unicodedata.normalize("NFKD", ident).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain)[:STEM].strip("-") or "x"
    told = f"{kind}\0{realm}\0{ident}".encode(errors="surrogatepass")
    return f"{kind}-{stem}-{hashlib.sha256(told).hexdigest()[:DIGITS]}"
