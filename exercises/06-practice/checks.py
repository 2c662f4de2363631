from labkit.content import facts
from labkit.content.check import check, fail
from labkit.content.facts.pushing import SAMPLE
from labkit.content.scope import Scope
from labkit.seen.lab import WORKSTATION
from labkit.seen.reference import Reference

NAME, COUNT = "webapp", 3

WORDS = 20
"""The reflection needs at least this many words."""


def wanted(lab: Scope) -> Reference:
    """myusername/webapp:v1.0.0, or the learner's own name for it."""
    return lab.person.image("webapp")


@check(
    points=2,
    hints=[
        "An image is made from a Dockerfile.",
        "The folder 06-practice next to the notebooks has a page to serve. The lesson shows what a Dockerfile needs.",
        "docker build -t NAME FOLDER",
    ],
)
def built(lab: Scope) -> str:
    """1 · The workstation has an image of your own app."""
    names = [name for name in lab.workstation.names if name.app == NAME]
    if not names:
        fail("build-none", expected=str(wanted(lab)), found=lab.workstation.tags)
    name = wanted(lab) if wanted(lab) in names else names[0]
    image = lab.workstation.image(name)
    assert image is not None
    mine = "an image that you built"
    if not image.fingerprint:
        fail("build-empty", expected="an image with your page in it", found=str(name))
    if image.fingerprint == lab.sample or image is lab.workstation.image(SAMPLE):
        fail("build-sample", expected=mine, found=str(name))
    if image.fingerprint in base_images(lab):
        fail("build-base-only", expected=mine, found=str(name))
    facts.carries_mark(lab, image.labels)
    return f"{name} is {image.id[:19]}"


def base_images(lab: Scope) -> set[str]:
    """The fingerprints of the base images that come with the lab."""
    registry = lab.registry_of(wanted(lab))
    digests = [digest for name in registry.seeded for digest in registry.repositories.get(name, {}).values()]
    return {fingerprint for digest in digests for fingerprint in registry.fingerprints(digest)}


@check(
    points=1,
    hints=[
        "The same as in exercise 02. The name is myusername/webapp, the tag v1.0.0.",
        "docker tag gives an image one more name. docker build -t names it when you build it.",
        "docker tag SOURCE NAMESPACE/REPOSITORY:TAG",
    ],
)
def tagged(lab: Scope) -> str:
    """2 · It is tagged myusername/webapp:v1.0.0."""
    return facts.image_is_tagged(lab, wanted(lab))


@check(
    points=2,
    hints=["The same as in exercise 03.", "Sign in first: docker login.", "docker push NAMESPACE/REPOSITORY:TAG"],
)
def pushed(lab: Scope) -> str:
    """3 · Docker Hub has your image under this name."""
    seen = facts.is_pushed(lab, wanted(lab))
    facts.is_same_image(lab, wanted(lab))
    facts.image_carries_mark(lab, wanted(lab))
    return seen


@check(
    points=2,
    needs=["pushed"],
    hints=[
        "Every machine in the lab has a Docker context: docker context ls",
        "docker --context worker1 … runs the command on worker1.",
        "docker --context MACHINE pull NAMESPACE/REPOSITORY:TAG",
    ],
)
def pulled_elsewhere(lab: Scope) -> str:
    """4 · Another machine (worker1 or worker2) pulled it."""
    image = wanted(lab)
    pulls = facts.pulls_of(lab, image)
    if elsewhere := [pull for pull in pulls if pull.machine not in ("", WORKSTATION)]:
        return facts.has_pulled(lab, image, elsewhere)
    copied = [name for name, engine in lab.workers() if engine.image(image)]
    if copied:
        registry = lab.registry_of(image).title
        expected, found = f"a pull of {image} on a worker", "a copy without a digest"
        fail("pull-copied", expected=expected, found=found, machine=copied[0], registry=registry)
    if pulls:
        fail("pull-same-machine", expected=str(image), found="a pull on the workstation")
    return facts.was_pulled(lab, image)


@check(
    points=3,
    needs=["pushed"],
    hints=[
        "The same as in exercise 05, with the name webapp.",
        "You create services on the workstation. Each node pulls the image by itself.",
        "docker service create --name NAME --replicas NUMBER IMAGE",
    ],
)
def deployed(lab: Scope) -> str:
    """5 · The Swarm runs it as the service webapp: three replicas, and each shows your page."""
    facts.service_exists(lab, NAME, wanted(lab))
    facts.service_image(lab, NAME, wanted(lab))
    facts.service_wants(lab, NAME, COUNT)
    where = facts.service_runs(lab, NAME, COUNT)
    return f"{where}; {facts.pages_answer(lab, NAME)}"


@check(
    points=2,
    hints=[
        "The start page shows what comes before a registry and what comes after it.",
        "Exercise 02 explains tags, 03 digests, and 05 who pulls.",
        'answer("06-practice", QUESTION="LETTER", …). Try as often as you like.',
    ],
)
def quiz(lab: Scope) -> str:
    """6 · You answered the three questions."""
    return facts.answered(lab)


@check(
    points=1,
    hints=[
        "Think of a colleague who needs your image, and of a server that deploys by itself.",
        "How would they get it without a registry? What could go wrong?",
        'answer("06-practice", reflection="…"), with 20 words or more',
    ],
)
def reflection(lab: Scope) -> str:
    """6 · You wrote how a registry helps people to work together and to automate."""
    return facts.written(lab, WORDS)
