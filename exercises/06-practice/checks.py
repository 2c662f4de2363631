from labkit.content import facts
from labkit.content.check import check, fail
from labkit.content.quiz import unanswered, wrong

NAME, WANTED = "webapp", "myusername/webapp:v1.0.0"
WORDS = 20


@check(
    points=2,
    hints=[
        "An image is made from a Dockerfile.",
        "The folder 06-practice beside the notebooks has a page to serve; the lesson shows what a Dockerfile needs.",
        "docker build -t NAME FOLDER",
    ],
)
def built(lab):
    """1 · The workstation has an image of your own app."""
    names = [tag for tag in lab.workstation.tags if facts.split(tag)[0].rpartition("/")[2] == NAME]
    if not names:
        fail("build-none", expected=WANTED, found=lab.workstation.tags)
    image = lab.workstation.image(WANTED if WANTED in names else names[0])
    if not image.content:
        fail("build-empty", expected="an image with your page in it", found=names[0])
    if image.content == lab.sample or "myapp:latest" in image.tags:
        fail("build-sample", expected="an image that you built", found=names[0])
    if image.content in base_contents(lab):
        fail("build-base-only", expected="an image that you built", found=names[0])
    facts.carries_mark(lab, image.labels)
    return f"{names[0]} is {image.id[:19]}"


def base_contents(lab):
    digests = lab.hub.repositories.get("library/busybox", {}).values()
    return {one for digest in digests for one in lab.hub.contents(digest)}


@check(
    points=1,
    hints=[
        "As in exercise 02. The name is myusername/webapp, the tag v1.0.0.",
        "docker tag gives an image one more name; docker build -t names it at once.",
        "docker tag SOURCE NAMESPACE/REPOSITORY:TAG",
    ],
)
def tagged(lab):
    """2 · It is tagged myusername/webapp:v1.0.0."""
    return facts.image_is_tagged(lab, WANTED)


@check(points=2, hints=["As in exercise 03.", "Sign in first: docker login.", "docker push NAMESPACE/REPOSITORY:TAG"])
def pushed(lab):
    """3 · Docker Hub has it under that name, and it is your image."""
    seen = facts.is_in_hub(lab, WANTED)
    facts.hub_has_same_image(lab, WANTED)
    facts.hub_image_carries_mark(lab, WANTED)
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
def pulled_elsewhere(lab):
    """4 · Another machine, worker1 or worker2, pulled it."""
    pulls = facts.pulls_of(lab, WANTED)
    elsewhere = sorted({one.machine for one in pulls if one.machine not in ("", "workstation")})
    if elsewhere:
        return facts.has_pulled_image(lab, WANTED, elsewhere)
    copied = [node.name for node in lab.workers() if node.image(WANTED)]
    if copied:
        fail(
            "pull-copied",
            expected=f"a pull of {WANTED} on a worker",
            found="a copy without a digest",
            machine=copied[0],
        )
    if pulls:
        fail("pull-same-machine", expected=WANTED, found="a pull on the workstation")
    return facts.was_pulled(lab, WANTED)


@check(
    points=3,
    needs=["pushed"],
    hints=[
        "As in exercise 05, with the name webapp.",
        "Services are made on the workstation; each node pulls the image for itself.",
        "docker service create --name NAME --replicas NUMBER IMAGE",
    ],
)
def deployed(lab):
    """5 · The Swarm runs it as the service webapp, with three replicas."""
    facts.service_exists(lab, NAME, WANTED)
    facts.service_image(lab, NAME, WANTED)
    facts.service_wants_three(lab, NAME)
    return facts.service_runs(lab, NAME)


@check(
    points=2,
    hints=[
        "The first lines of the start page say what stands on each side of a registry.",
        "Exercise 03 says what a digest is, 02 what a tag is, and 05 who pulls.",
        'answer("06-practice", QUESTION="LETTER", …), as often as you like',
    ],
)
def quiz(lab):
    """6 · The three questions are answered."""
    names = [question["id"] for question in lab.quiz]
    if missing := unanswered(lab.quiz, lab.given):
        fail("quiz-open", expected=names, found=missing, exercise="06-practice")
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
def reflection(lab):
    """6 · You wrote down how a registry helps people work together and automate."""
    count = len(lab.given.get("reflection", "").split())
    if count < WORDS:
        fail("reflection-short", expected=f"{WORDS} words", found=f"{count} words", exercise="06-practice")
    return f"{count} words, kept for your instructor"
