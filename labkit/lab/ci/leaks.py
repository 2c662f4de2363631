"""Finds a secret in what a run printed or an image holds, in the forms in which people leak it. Runs on its own in the lab."""

import base64
import re
from urllib.parse import quote

SHORTEST = 8
"""A form of fewer letters could stand anywhere by chance."""


def forms(secret: str) -> dict[str, str]:
    """{form: what it looks like}. base64 has three, by where in a longer text the secret stands; of each only the letters that
    depend on nothing else."""
    data = secret.encode()
    found = {
        "plain": secret,
        "backwards": secret[::-1],
        "hex": data.hex(),
        "percent": "".join(f"%{byte:02x}" for byte in data),
    }
    for before in range(3):
        text = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
        whole = len(data) + before
        start, end = -(-before * 8 // 6), whole * 8 // 6
        found[f"base64, {before} bytes in"] = text[start:end]
    if (quoted := quote(secret, safe="")) != secret:
        found["quoted"] = quoted
    return {form: text for form, text in found.items() if len(text) >= SHORTEST}


def forms_in(text: str, secret: str, pieces: bool = False) -> list[str]:
    """Names of the forms in which the secret is in the text: plain, base64, backwards, hex. With `pieces` also "pieces": line
    by line, or letter by letter with something between."""
    small = text.lower()  # hexadecimal digits may be of any size
    found = {
        form.partition(",")[0]
        for form, looks in forms(secret).items()
        if looks in (small if form in ("hex", "percent") else text)
    }
    if pieces and not found:
        joined = re.sub(r"[\r\n]+", "", text)
        spaced = r"[^\w]{1,3}".join(map(re.escape, secret))
        if secret in joined or re.search(spaced, joined):
            found.add("pieces")
    return sorted(found)


def hide(text: str, secret: str) -> str:
    """The text without the secret, in whatever form it is there."""
    for looks in forms(secret).values():
        text = text.replace(looks, "(a secret)")
    return text
