"""The values for the facts' sentences, and when two names are almost the same."""

import difflib
import re
from collections.abc import Iterable
from typing import Any

from labkit.seen.lab import SeenLab
from labkit.seen.reference import HUB, Reference


def about(lab: SeenLab, wanted: Reference) -> dict[str, Any]:
    """The exercise's values that a diagnosis may name."""
    return {
        "expected": str(wanted),
        "registry": lab.registry_of(wanted).title,
        "repository": wanted.name,
        "namespace": wanted.namespace,
        "tag": wanted.version,
        "login": login(wanted.registry),
    }


def login(host: str) -> str:
    """The command that signs in at this registry."""
    return "docker login" if host == HUB else f"docker login {host}"


def short(digest: str) -> str:
    """A digest or an ID as people compare it: sha256: and twelve digits."""
    return digest[:19]


def seeded(lab: SeenLab, found: Reference) -> bool:
    """Whether this repository came with the lab."""
    registry = lab.registry_at(found.registry)
    return registry is not None and found.repository in registry.seeded


def near(wanted: str, found: Iterable[str]) -> str | None:
    """The name that is almost the wanted one, if there is one: at most a typo or two in each part."""
    likely = {name.lower(): name for name in found if _near_by_part(wanted.lower(), name.lower())}
    close = difflib.get_close_matches(wanted.lower(), list(likely), n=1, cutoff=0.85)
    return likely[close[0]] if close else None


def _near_by_part(wanted: str, found: str) -> bool:
    """Whether each part is close to its counterpart: …/myapp is not a typo of …/webapp, although most letters agree."""
    parts = (re.split("[/:]", wanted), re.split("[/:]", found))
    if len(parts[0]) != len(parts[1]):
        return True
    return all(difflib.SequenceMatcher(None, part, other).ratio() >= 0.6 for part, other in zip(*parts, strict=True))
