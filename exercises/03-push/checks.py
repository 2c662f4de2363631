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
        "A tag is only a name on this machine. Which command sends the image to the registry?",
        "docker push takes the full name: namespace, repository and tag.",
        "docker push NAMESPACE/REPOSITORY:TAG",
    ],
)
def in_hub(lab: Scope) -> str:
    """Docker Hub has myusername/myapp with the tag v1.0.0."""
    return facts.is_pushed(lab, wanted(lab))


@check(
    points=1,
    needs=["in_hub"],
    hints=[
        "Is the image on the workstation still the one that you pushed?",
        "If you built or tagged again after the push, the registry still has the older image.",
        "docker push NAMESPACE/REPOSITORY:TAG again",
    ],
)
def same_image(lab: Scope) -> str:
    """Docker Hub has the same image under this name as the workstation."""
    return facts.is_same_image(lab, wanted(lab))


@check(
    points=1,
    needs=["in_hub"],
    hints=[
        "Which image was myusername/myapp:v1.0.0 when you pushed it?",
        "docker image ls shows an ID for each name. It should be the ID of myapp:latest.",
        "docker tag myapp:latest NAMESPACE/REPOSITORY:TAG, then push again",
    ],
)
def is_sample(lab: Scope) -> str:
    """It is the sample app."""
    return facts.is_sample(lab, wanted(lab))
