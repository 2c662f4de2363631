from labkit.content import facts
from labkit.content.check import check

WANTED = "myusername/myapp:v1.0.0"


@check(
    points=2,
    hints=[
        "The registry's access log knows who fetched what.",
        "docker pull asks the registry for an image, even where a copy lies already: it says “up to date” then.",
        "docker pull NAMESPACE/REPOSITORY:TAG",
    ],
)
def pulled(lab):
    """You pulled myusername/myapp:v1.0.0 from Docker Hub."""
    return facts.was_pulled(lab, WANTED)


@check(
    points=1,
    needs=["pulled"],
    hints=[
        "What does the machine that pulled have now?",
        "docker image ls --digests shows the digest of what was pulled; the registry may have another one by now.",
        "docker pull NAMESPACE/REPOSITORY:TAG, once more",
    ],
)
def present(lab):
    """The machine that pulled has the image, as Docker Hub has it now."""
    machines = sorted({pull.machine for pull in facts.pulls_of(lab, WANTED) if pull.machine})
    return facts.has_pulled_image(lab, WANTED, machines)
