from labkit.content import facts
from labkit.content.check import check, fail
from labkit.content.scope import Scope
from labkit.seen.reference import Reference

SAMPLE = Reference.parse("myapp:latest")


def wanted(lab: Scope) -> Reference:
    """myusername/myapp:v1.0.0, or the learner's own name for it."""
    return lab.person.image("myapp")


@check(
    points=2,
    hints=[
        "An image's name says which registry and whose namespace it goes to.",
        "docker image ls shows what is there; docker tag gives an image one more name.",
        "docker tag SOURCE NAMESPACE/REPOSITORY:TAG",
    ],
)
def tagged(lab: Scope) -> str:
    """The workstation has an image named myusername/myapp:v1.0.0."""
    return facts.image_is_tagged(lab, wanted(lab))


@check(
    points=1,
    needs=["tagged"],
    hints=[
        "Compare the ids that docker image ls shows for both names.",
        "docker tag points a name at whatever its first argument names: tag again, from the sample app.",
        "docker tag myapp:latest NAMESPACE/REPOSITORY:TAG",
    ],
)
def same_image(lab: Scope) -> str:
    """It is the sample app, myapp:latest, under one more name."""
    image = lab.workstation.image(wanted(lab))
    assert image is not None  # tagged comes first
    sample = lab.workstation.image(SAMPLE)
    if (sample is None or sample.id != image.id) and image.fingerprint != lab.sample:
        fail("tag-other-image", expected=str(wanted(lab)), found=f"{image.id[:19]}, {', '.join(image.tags)}")
    return f"{wanted(lab)} is {image.id[:19]}"
