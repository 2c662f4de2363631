from labkit.content.check import check
from labkit.content.facts import mirroring
from labkit.content.scope import Scope

MACHINES = 2


@check(
    points=1,
    hints=[
        "Docker Hub counts pulls. When does it stop serving them?",
        "`labkit limit` makes the lab's Docker Hub stricter, so that you meet the limit after a few pulls.",
        "labkit limit hub --pulls 2, then docker manifest inspect busybox on the workstation, until Docker Hub refuses",
    ],
)
def limit_met(lab: Scope) -> str:
    """1 · Docker Hub refused a pull of yours: too many requests."""
    return mirroring.limit_was_met(lab)


@check(
    points=1,
    hints=[
        "Docker Hub says in each answer how many pulls are left. docker does not show it.",
        "curl shows the headers of an answer. The lesson has both lines.",
        'curl --head -H "Authorization: Bearer $TOKEN" https://registry-1.docker.io/v2/REPOSITORY/manifests/TAG',
    ],
)
def limit_read(lab: Scope) -> str:
    """2 · You asked Docker Hub how many pulls are left."""
    return mirroring.limit_was_read(lab)


@check(
    points=1,
    hints=[
        "What does a registry need to know to become a mirror?",
        "`proxy` in its configuration, with the address of the registry that it fetches from. Then start the registry again.",
        "%%on mirror, add proxy: and remoteurl: to /etc/docker/registry/config.yml, then pkill docker-registry",
    ],
)
def is_cache(lab: Scope) -> str:
    """3 · The registry on the machine mirror is a pull-through cache of Docker Hub."""
    return mirroring.is_cache(lab)


@check(
    points=1,
    needs=["is_cache"],
    hints=[
        "Which registry does an engine ask for an image without an address? docker info shows its Registry Mirrors.",
        "registry-mirrors in /etc/docker/daemon.json, on each machine. The engine must read the file again.",
        "%%on worker1, write the file, then pkill -HUP dockerd. The same on worker2",
    ],
)
def is_used(lab: Scope) -> str:
    """4 · Two machines ask the mirror first: worker1 and worker2."""
    return mirroring.is_used(lab, MACHINES)


@check(
    points=1,
    hints=[
        "Pull as ever, by the image's usual name.",
        "If the machine has the image already, nothing is downloaded. Remove it first.",
        "docker --context worker1 pull busybox",
    ],
)
def from_mirror(lab: Scope) -> str:
    """5 · A machine got an image of Docker Hub's from the mirror."""
    return mirroring.from_mirror(lab)


@check(
    points=2,
    needs=["from_mirror"],
    hints=[
        "What happens when another machine pulls what the mirror has already?",
        "Pull the same image on the second machine. It must not have it yet.",
        "docker --context worker2 pull busybox",
    ],
)
def second_from_mirror(lab: Scope) -> str:
    """6 · A second machine got it from the mirror too, and Docker Hub sent nothing for it."""
    return mirroring.second_from_mirror(lab)


@check(
    points=2,
    needs=["from_mirror"],
    hints=[
        "What if nobody can reach Docker Hub?",
        "Take Docker Hub away from the mirror: give its name an address where nobody answers. Then pull again.",
        "%%on mirror, add a line to /etc/hosts. Then docker --context worker2 pull busybox",
    ],
)
def without_hub(lab: Scope) -> str:
    """7 · With Docker Hub away, a machine pulled from the mirror again."""
    return mirroring.without_hub(lab)
