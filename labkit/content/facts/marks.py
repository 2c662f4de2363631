"""The mark of a personal lab, which the learner's own image must have."""

from labkit.content import personal
from labkit.content.check import fail
from labkit.content.scope import Scope
from labkit.seen.reference import Reference


def carries_mark(lab: Scope, labels: dict[str, str]) -> str:
    """The image has this lab's mark: no mark in the default lab, the learner's own in a personal lab."""
    carried = labels.get(personal.LABEL, "")
    if carried != lab.person.secret:
        expected = f"{personal.LABEL}={lab.person.secret}" if lab.person.secret else f"no label {personal.LABEL}"
        fail("build-foreign", expected=expected, found=f"{personal.LABEL}={carried}" if carried else "no such label")
    return carried


def image_carries_mark(lab: Scope, wanted: Reference) -> str:
    """The image that the registry has under this name has this lab's mark."""
    registry = lab.registry_of(wanted)
    leaves = registry.leaves(registry.digest(wanted) or "")
    images = [leaf for leaf in leaves if leaf.fingerprint]
    return carries_mark(lab, images[0].labels if images else {})
