from labkit.content import facts
from labkit.content.check import check, fail

WANTED = "myusername/myapp:v1.0.0"


@check(
    points=2,
    hints=[
        "An image's name says which registry and whose namespace it goes to.",
        "docker image ls shows what is there; docker tag gives an image one more name.",
        "docker tag SOURCE NAMESPACE/REPOSITORY:TAG",
    ],
)
def tagged(lab):
    """The workstation has an image named myusername/myapp:v1.0.0."""
    return facts.image_is_tagged(lab, WANTED)


@check(
    points=1,
    needs=["tagged"],
    hints=[
        "Compare the ids that docker image ls shows for both names.",
        "docker tag points a name at whatever its first argument names: tag again, from the sample app.",
        "docker tag myapp:latest NAMESPACE/REPOSITORY:TAG",
    ],
)
def same_image(lab):
    """It is the sample app, myapp:latest, under one more name."""
    image = lab.workstation.image(WANTED)
    sample = lab.workstation.image("myapp:latest")
    if (sample is None or sample.id != image.id) and image.content != lab.sample:
        fail("tag-other-image", expected=WANTED, found=f"{image.id[:19]}, {', '.join(image.tags)}")
    return f"{WANTED} is {image.id[:19]}"
