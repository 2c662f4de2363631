"""Short-lived tokens that vendors' commands fetch to sign in with. Each says itself until when it is valid, under the
registry's key: nothing is kept of them, so no number of them makes another one invalid."""

import hashlib
import hmac
import secrets


def given(key: bytes, prefix: str, ends: float) -> str:
    """A token that begins with `prefix` and is valid until `ends`, in seconds of the registry's date."""
    said = f"{prefix}{int(ends)}-{secrets.token_hex(8)}"
    return f"{said}-{_mark(key, said)}"


def ends_of(key: bytes, prefix: str, text: str) -> float | None:
    """Until when this token is valid, or was; None for what is none of this registry's."""
    said, _, mark = text.rpartition("-")
    if not text.isascii() or not said.startswith(prefix) or not hmac.compare_digest(mark, _mark(key, said)):
        return None
    return float(said.removeprefix(prefix).partition("-")[0])


def _mark(key: bytes, said: str) -> str:
    return hmac.digest(key, said.encode(), hashlib.sha256).hex()
