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
        "An image's name says which registry it goes to, and whose namespace.",
        "docker image ls shows the images that you have. docker tag gives an image one more name.",
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
        "docker image ls shows an ID for each name. Compare the two.",
        "docker tag points the new name at the image that you name first: tag the sample app again.",
        "docker tag myapp:latest NAMESPACE/REPOSITORY:TAG",
    ],
)
def same_image(lab: Scope) -> str:
    """It is the sample app, myapp:latest, with one more name."""
    image = lab.workstation.image(wanted(lab))
    assert image is not None  # tagged comes first
    sample = lab.workstation.image(SAMPLE)
    if (sample is None or sample.id != image.id) and image.fingerprint != lab.sample:
        fail("tag-other-image", expected=str(wanted(lab)), found=f"{image.id[:19]}, {', '.join(image.tags)}")
    return f"{wanted(lab)} is {image.id[:19]}"
