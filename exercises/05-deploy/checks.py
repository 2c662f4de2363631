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
        "Services are made on a manager; here that is the workstation.",
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
        "A service's image can be changed while it runs.",
        "docker service update --image NAMESPACE/REPOSITORY:TAG NAME",
    ],
)
def image(lab: Scope) -> str:
    """It is made from myusername/myapp:v1.0.0, as Docker Hub has it."""
    return facts.service_image(lab, NAME, wanted(lab))


@check(
    points=1,
    needs=["service"],
    hints=[
        "docker service ls shows how many are asked for, and how many run.",
        "The number can be changed while the service runs.",
        "docker service scale NAME=NUMBER",
    ],
)
def replicas(lab: Scope) -> str:
    """It asks for three replicas."""
    return facts.service_wants(lab, NAME, COUNT)


@check(
    points=2,
    needs=["service", "image", "replicas"],
    hints=[
        "docker service ps shows each task, its node, and its error.",
        "The error says what the node was missing: the image, room, a node that fits, or a process that goes on running.",
        "docker service ps --no-trunc NAME, then docker service update … NAME",
    ],
)
def running(lab: Scope) -> str:
    """Three tasks run it."""
    return facts.service_runs(lab, NAME, COUNT)
