"""What the facts' sentences are filled with, and when two names are nearly the same."""

import difflib
import re
from collections.abc import Iterable
from typing import Any

from labkit.seen.lab import SeenLab
from labkit.seen.reference import Reference


def about(lab: SeenLab, wanted: Reference) -> dict[str, Any]:
    """The values of the exercise that a diagnosis may name."""
    return {
        "expected": str(wanted),
        "registry": lab.registry_of(wanted).title,
        "repository": wanted.name,
        "namespace": wanted.namespace,
        "tag": wanted.version,
    }


def short(digest: str) -> str:
    """A digest or an id as people compare it: sha256: and twelve digits."""
    return digest[:19]


def seeded(lab: SeenLab, found: Reference) -> bool:
    """Whether the lab itself brought this repository along."""
    registry = lab.registry_at(found.registry)
    return registry is not None and found.repository in registry.seeded


def near(wanted: str, found: Iterable[str]) -> str | None:
    """The one that is nearly the wanted, if one is: at most a slip or two away, in each of its parts."""
    likely = {name.lower(): name for name in found if _near_by_part(wanted.lower(), name.lower())}
    close = difflib.get_close_matches(wanted.lower(), list(likely), n=1, cutoff=0.85)
    return likely[close[0]] if close else None


def _near_by_part(wanted: str, found: str) -> bool:
    """Whether each part is near its counterpart: …/myapp is no slip of …/webapp, though most letters of the whole agree."""
    parts = (re.split("[/:]", wanted), re.split("[/:]", found))
    if len(parts[0]) != len(parts[1]):
        return True
    return all(difflib.SequenceMatcher(None, part, other).ratio() >= 0.6 for part, other in zip(*parts, strict=True))
