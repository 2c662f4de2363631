from labkit.content import facts
from labkit.content.check import check
from labkit.content.scope import Scope
from labkit.seen.reference import Reference


def wanted(lab: Scope) -> Reference:
    """myusername/myapp:v1.0.0, or the learner's own name for it."""
    return lab.person.image("myapp")


@check(
    points=2,
    hints=[
        "A tag is a name on this machine. What takes the image to the registry?",
        "docker push wants the whole name: namespace, repository and tag.",
        "docker push NAMESPACE/REPOSITORY:TAG",
    ],
)
def in_hub(lab: Scope) -> str:
    """Docker Hub has myusername/myapp with the tag v1.0.0."""
    return facts.is_pushed(lab, wanted(lab))


@check(
    points=1,
    needs=["in-hub"],
    hints=[
        "Compare the image's id on the workstation with what was pushed.",
        "Was the image changed, or the name tagged anew, after the push? The registry keeps what it was given.",
        "docker push NAMESPACE/REPOSITORY:TAG, once more",
    ],
)
def same_image(lab: Scope) -> str:
    """What Docker Hub holds is the image that the workstation has under this name."""
    return facts.is_same_image(lab, wanted(lab))


@check(
    points=1,
    needs=["in-hub"],
    hints=[
        "What was myusername/myapp:v1.0.0 when it was pushed?",
        "docker image ls shows by its id which image a name stands for. It should be that of myapp:latest.",
        "docker tag myapp:latest NAMESPACE/REPOSITORY:TAG, then push again",
    ],
)
def is_sample(lab: Scope) -> str:
    """It is the sample app."""
    return facts.is_sample(lab, wanted(lab))
