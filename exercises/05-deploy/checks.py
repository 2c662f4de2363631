from labkit.content import facts
from labkit.content.check import check
from labkit.content.scope import Scope
from labkit.seen.reference import Reference

NAME, COUNT = "myapp", 3


def wanted(lab: Scope) -> Reference:
    """myusername/myapp:v1.0.0, or the learner's own name for it."""
    return lab.person.image("myapp")


@check(
    points=1,
    hints=[
        "A container runs on one machine. What runs on a Swarm?",
        "You create services on a manager. Here that is the workstation.",
        "docker service create --name NAME --replicas NUMBER IMAGE",
    ],
)
def service(lab: Scope) -> str:
    """The Swarm has a service named myapp."""
    return facts.service_exists(lab, NAME, wanted(lab))


@check(
    points=1,
    needs=["service"],
    hints=[
        "docker service ls shows each service's image.",
        "You can change a service's image while it runs.",
        "docker service update --image NAMESPACE/REPOSITORY:TAG NAME",
    ],
)
def image(lab: Scope) -> str:
    """The service uses myusername/myapp:v1.0.0, the same image as on Docker Hub."""
    return facts.service_image(lab, NAME, wanted(lab))


@check(
    points=1,
    needs=["service"],
    hints=[
        "docker service ls shows how many replicas run, and how many there should be.",
        "You can change the number while the service runs.",
        "docker service scale NAME=NUMBER",
    ],
)
def replicas(lab: Scope) -> str:
    """The service has three replicas."""
    return facts.service_wants(lab, NAME, COUNT)


@check(
    points=2,
    needs=["service", "image", "replicas"],
    hints=[
        "docker service ps shows each task, its node and its error.",
        "The error says what is missing: the image, space, a suitable node, or a process that keeps running.",
        "docker service ps --no-trunc NAME, then docker service update … NAME",
    ],
)
def running(lab: Scope) -> str:
    """Three tasks of the service are running."""
    return facts.service_runs(lab, NAME, COUNT)
