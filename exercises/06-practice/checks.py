from labkit.content import facts
from labkit.content.check import check, fail
from labkit.content.facts.pushing import SAMPLE
from labkit.content.quiz import unanswered, wrong
from labkit.content.scope import Scope
from labkit.seen.lab import WORKSTATION
from labkit.seen.reference import Reference

NAME, COUNT = "webapp", 3

WORDS = 20
"""Of the reflection."""
LETTERS, DIFFERENT = 3, 10
"""So many of them differ, of those with so many letters: any two or three sentences have more."""
PUNCTUATION = ".,;:!?…()[]“”„\"'’-–/*"


def wanted(lab: Scope) -> Reference:
    """myusername/webapp:v1.0.0, or the learner's own name for it."""
    return lab.person.image("webapp")


@check(
    points=2,
    hints=[
        "An image is made from a Dockerfile.",
        "The folder 06-practice beside the notebooks has a page to serve; the lesson shows what a Dockerfile needs.",
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
    """The fingerprints of the images that the lab brought along, as a base to build on."""
    registry = lab.registry_of(wanted(lab))
    digests = [digest for name in registry.seeded for digest in registry.repositories.get(name, {}).values()]
    return {fingerprint for digest in digests for fingerprint in registry.fingerprints(digest)}


@check(
    points=1,
    hints=[
        "As in exercise 02. The name is myusername/webapp, the tag v1.0.0.",
        "docker tag gives an image one more name; docker build -t names it at once.",
        "docker tag SOURCE NAMESPACE/REPOSITORY:TAG",
    ],
)
def tagged(lab: Scope) -> str:
    """2 · It is tagged myusername/webapp:v1.0.0."""
    return facts.image_is_tagged(lab, wanted(lab))


@check(points=2, hints=["As in exercise 03.", "Sign in first: docker login.", "docker push NAMESPACE/REPOSITORY:TAG"])
def pushed(lab: Scope) -> str:
    """3 · Docker Hub has it under that name, and it is your image."""
    seen = facts.is_pushed(lab, wanted(lab))
    facts.is_same_image(lab, wanted(lab))
    facts.image_carries_mark(lab, wanted(lab))
    return seen


@check(
    points=2,
    needs=["pushed"],
    hints=[
        "Every machine of the lab is a Docker context: docker context ls",
        "docker --context worker1 … speaks to worker1's engine.",
        "docker --context MACHINE pull NAMESPACE/REPOSITORY:TAG",
    ],
)
def pulled_elsewhere(lab: Scope) -> str:
    """4 · Another machine, worker1 or worker2, pulled it."""
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
        "As in exercise 05, with the name webapp.",
        "Services are made on the workstation; each node pulls the image for itself.",
        "docker service create --name NAME --replicas NUMBER IMAGE",
    ],
)
def deployed(lab: Scope) -> str:
    """5 · The Swarm runs it as the service webapp, with three replicas, and each answers with your page."""
    facts.service_exists(lab, NAME, wanted(lab))
    facts.service_image(lab, NAME, wanted(lab))
    facts.service_wants(lab, NAME, COUNT)
    where = facts.service_runs(lab, NAME, COUNT)
    return f"{where}; {facts.pages_answer(lab, NAME)}"


@check(
    points=2,
    hints=[
        "The first lines of the start page say what stands on each side of a registry.",
        "Exercise 03 says what a digest is, 02 what a tag is, and 05 who pulls.",
        'answer("06-practice", QUESTION="LETTER", …), as often as you like',
    ],
)
def quiz(lab: Scope) -> str:
    """6 · The three questions are answered."""
    names = [question["id"] for question in lab.quiz]
    if missing := unanswered(lab.quiz, lab.given):
        fail("quiz-open", expected=names, found=missing, exercise=lab.slug)
    if missed := wrong(lab.quiz, lab.given):
        fail("quiz-wrong", expected="three right answers", found=missed)
    return ", ".join(f"{name}: {lab.given[name]}" for name in names)


@check(
    points=1,
    hints=[
        "Think of a colleague who needs your image, and of a machine that nobody sits at.",
        "What would they do without a registry? What can go wrong on that way?",
        'answer("06-practice", reflection="…"), with 20 words or more',
    ],
)
def reflection(lab: Scope) -> str:
    """6 · You wrote down how a registry helps people work together and automate."""
    words = [word.strip(PUNCTUATION).casefold() for word in lab.given.get("reflection", "").split()]
    count, different = len(words), len({word for word in words if len(word) >= LETTERS})
    if count < WORDS:
        fail("reflection-short", expected=f"{WORDS} words", found=f"{count} words", exercise=lab.slug)
    if different < DIFFERENT:
        found = f"{different} different words of {LETTERS} letters or more"
        fail("reflection-same", expected=f"{DIFFERENT}", found=found, exercise=lab.slug)
    return f"{count} words, kept for your instructor"
