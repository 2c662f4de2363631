"""What a node has that nothing on it uses."""

from labkit.content.check import fail
from labkit.content.scope import Scope
from labkit.seen import reference
from labkit.seen.engines import Container, Engine, Image
from labkit.seen.log import Action


def is_pruned(lab: Scope, machine: str) -> str:
    """The machine pulled an image that it no longer has, and has only images that its containers use."""
    engine = lab.engine(machine)
    used = {image.id for container in engine.containers for image in engine.images if uses(engine, container, image)}
    pulls = [one for one in lab.since if one.machine == machine and one.action == Action.PULL and one.ok and one.digest]
    here = {name.partition("@")[2] for image in engine.images for name in image.digests}
    gone = [one for one in pulls if one.digest not in here]
    unused = [image for image in engine.images if image.id not in used]
    if not pulls:
        fail("nodes-nothing-pulled", expected=f"a pull on {machine}", found="no pull", machine=machine)
    if unused:
        found = [", ".join(image.tags) or f"{image.id[:19]} without a name" for image in unused]
        fail("nodes-unused", expected="only images that are used", found=found, machine=machine)
    if not gone:
        fail("nodes-none-gone", expected="an image less", found="every image that it pulled", machine=machine)
    if not used:
        fail("nodes-all-gone", expected="a container with its image", found="no container", machine=machine)
    return f"{machine} has {len(engine.images)} image, and pulled {gone[0].repository} that is gone"


def uses(engine: Engine, container: Container, image: Image) -> bool:
    """Whether the container was made from this image, which it names by a name, or by the image's ID."""
    if image.id.removeprefix("sha256:").startswith(container.image.removeprefix("sha256:")):
        return True
    named = reference.parse(container.image)
    found = engine.image(named) if named else None
    return found is not None and found.id == image.id
