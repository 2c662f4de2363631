"""An image's name on the workstation."""

from labkit.content.check import fail
from labkit.content.facts.words import about, near, seeded, short
from labkit.content.scope import Scope
from labkit.seen.reference import LATEST, Reference


def image_is_tagged(lab: Scope, wanted: Reference) -> str:
    """The workstation has an image with this name."""
    image = lab.workstation.image(wanted)
    if image is not None:
        return f"{wanted} is {short(image.id)}"
    values = about(lab, wanted)
    names = [name for name in lab.workstation.names if not seeded(lab, name)]
    if own := [name for name in names if name.same_repository(wanted)]:
        fail("tag-other-version", found=_told(own), **values)
    same = [name for name in names if (name.app, name.version) == (wanted.app, wanted.version)]
    if capital := [tag for tag in lab.workstation.tags if tag != str(wanted) and tag.lower() == str(wanted).lower()]:
        fail("tag-capital", found=capital, **values)
    if addressed := [name for name in same if name.registry != wanted.registry]:
        fail("tag-other-registry", found=_told(addressed), **values)
    if typo := near(str(wanted), map(str, names)):
        fail("tag-typo", found=typo, **values)
    if foreign := [name for name in same if name.name != name.app]:
        fail("tag-other-namespace", found=_told(foreign), **values)
    bare = [name for name in names if name.name == wanted.app and name.version != LATEST]
    if bare:
        fail("tag-no-namespace", found=_told(bare), **values)
    fail("tag-none", found=_told(names), **values)


def _told(names: list[Reference]) -> list[str]:
    return [str(name) for name in names]
