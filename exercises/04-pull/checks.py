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
        "The registry's access log knows who fetched what.",
        "docker pull asks the registry for an image, even where a copy lies already: it says “up to date” then.",
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
        "What does the machine that pulled have now?",
        "docker image ls --digests shows the digest of what was pulled; the registry may have another one by now.",
        "docker pull NAMESPACE/REPOSITORY:TAG, once more",
    ],
)
def present(lab: Scope) -> str:
    """The machine that pulled has the image, as Docker Hub has it now."""
    return facts.has_pulled(lab, wanted(lab), facts.pulls_of(lab, wanted(lab)))
