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
        "The registry's access log records every pull.",
        "docker pull asks the registry even if you already have the image. It then prints “Image is up to date”.",
        "docker pull NAMESPACE/REPOSITORY:TAG",
    ],
)
def pulled(lab: Scope) -> str:
    """You pulled myusername/myapp:v1.0.0 from Docker Hub."""
    return facts.was_pulled(lab, wanted(lab))


@check(
    points=1,
    needs=["pulled"],
    hints=[
        "Which images does the machine that pulled have now?",
        "docker image ls --digests shows the digest that you pulled. The registry may have a newer one.",
        "docker pull NAMESPACE/REPOSITORY:TAG again",
    ],
)
def present(lab: Scope) -> str:
    """The machine that pulled it has the same image as Docker Hub now."""
    return facts.has_pulled(lab, wanted(lab), facts.pulls_of(lab, wanted(lab)))
