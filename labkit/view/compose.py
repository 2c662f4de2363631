"""Puts a view together from what was seen of the lab and what is kept in the learner's folder."""

from collections.abc import Collection
from typing import Any

from labkit import paths
from labkit.content import diagnoses, exercises, messages, quiz
from labkit.content.exercises import STANDARD, Exercise
from labkit.content.facts.pushing import signed_in_after
from labkit.content.facts.words import login
from labkit.errors import LabError
from labkit.grading.grade import grade_one
from labkit.grading.report import ExerciseResult
from labkit.lab.apps import address
from labkit.lab.engine.doctor import Finding
from labkit.lab.looking.sight import Sight
from labkit.lab.plan import JUPYTER, registry_titles
from labkit.seen.lab import SeenLab, Unobserved
from labkit.seen.log import Action, Reason
from labkit.seen.observation import Observation
from labkit.seen.reference import Reference
from labkit.seen.runs import Run
from labkit.view import feed
from labkit.view.picture import picture
from labkit.view.render import App, CourseLine, Explained, Hints, LabLine, Question, Reflection, View, Work
from labkit.work import answers
from labkit.work import attempts as progress

EXERCISE = ("notice", "picture", "checks", "quiz", "tools", "feed", "course")
START = ("notice", "course", "lab", "tools", "doctor")
"""The start page's parts, from the top."""
QUIZ = ("notice", "quiz")

RUNS_SHOWN = 4
"""Of the runs of a workflow, the newest ones."""

REASONS: dict[str, str] = {
    Reason.NOT_SIGNED_IN: "push-not-signed-in",
    Reason.FOREIGN_NAMESPACE: "push-other-namespace",
    Reason.NO_NAMESPACE: "push-no-namespace",
    Reason.WRONG_PASSWORD: "login-wrong-password",
    Reason.UNKNOWN_USER: "login-unknown-user",
}
"""The diagnosis for each reason that the edge logs when it refuses."""


def view(
    shown: tuple[str, ...],
    exercise: Exercise | None,
    sight: Sight,
    work: Work | None = None,
    failed: str = "",
    explained: Explained | None = None,
    doctor: tuple[Finding, ...] = (),
    changed: frozenset[str] = frozenset(),
    taught: Collection[str] = (),
) -> View:
    """What a panel shows of this sight. `taught` has the exercises that a classroom teaches, where there is one and it does not
    teach all. Reads the learner's folder; contacts no machine."""
    folder = sight.lab.work if sight.lab else paths.home().work
    records, _ = progress.read(folder)
    lab = sight.observation
    results = {each.slug: grade_one(each, lab) for each in exercises.every()} if lab else {}
    result = results.get(exercise.slug) if exercise else None
    following = exercises.following(exercise.slug, taught) if exercise else None
    lines = _course(results, records, exercise)
    course = tuple(one for one in lines if not taught or one.slug in taught)
    given = answers.load(folder).get(exercise.slug, {}) if exercise else {}
    return View(
        shown=shown,
        state=sight.state,
        problem=sight.problem,
        failed=failed,
        inside=paths.home().inside or paths.home().guest,
        guest=paths.home().guest,
        work=work,
        result=result,
        hints=_hints(exercise, records, lab) if exercise else {},
        solution=_solution(exercise, lab) if exercise and result and result.done else "",
        next=notebook(following.slug) if following else "",
        next_title=following.title if following else "",
        picture=picture(lab, exercise.registries if exercise else None, _titles(exercise)) if lab else None,
        changed=changed,
        runs=runs(lab),
        feed=tuple(feed.lines(SeenLab(lab))) if lab else (),
        course=course,
        others=len(lines) - len(course),
        explained=explained if explained and _holds(explained, lab) else None,
        machines=tuple(part.machine for part in sight.lab.nodes) if sight.lab else (),
        apps=tuple(_apps(lab)) if lab else (),
        lab=tuple(_parts(sight)),
        doctor=doctor,
        quiz=questions(exercise, given, lab) if exercise else (),
        reflection=reflection(exercise, given.get("reflection", "")) if exercise and exercise.reflection else None,
    )


def parts(exercise: Exercise) -> tuple[str, ...]:
    """What an exercise's panel consists of, from the top. Runs are shown where its checks look at them."""
    at = EXERCISE.index("quiz")
    return (*EXERCISE[:at], "runs", *EXERCISE[at:]) if "runs" in exercise.sees else EXERCISE


def beside(exercise: Exercise | None) -> tuple[str, ...]:
    """What stands beside an exercise's notebook, or beside the start page (None): help too, where there is a classroom."""
    first, *rest = parts(exercise) if exercise else START
    return (first, "help", *rest)


def _titles(exercise: Exercise | None) -> dict[str, str]:
    """What the registries are called that the picture names while they are empty: those that an exercise names itself."""
    if exercise is None or exercise.registries == STANDARD:
        return {}
    titles = registry_titles()
    return {key: titles[key] for key in exercise.registries if key in titles}


def runs(lab: Observation | None) -> tuple[Run, ...]:
    """The newest runs of the workflow first; none where the lab has none."""
    return tuple(reversed(lab.runs.runs[-RUNS_SHOWN:])) if lab and lab.runs else ()


def _hints(exercise: Exercise, records: list[dict[str, Any]], lab: Observation | None) -> dict[str, Hints]:
    personal = lab.lab.person.personal if lab else str
    found = {}
    for check in exercise.checks:
        taken = progress.hints_of(records, exercise.slug, check.id)
        told = tuple(personal(hint) for hint in check.hints[:taken])
        found[check.id] = Hints(told, len(check.hints) - len(told))
    return found


def _solution(exercise: Exercise, lab: Observation | None) -> str:
    try:
        text = exercises.solution(exercise.slug)
    except LabError:
        return ""  # a workshop's owner keeps it
    return lab.lab.person.personal(text) if lab else text


def _apps(seen: Observation) -> list[App]:
    """The services whose page can be seen on this machine."""
    place = address.read(paths.home())
    if place is None or seen.swarm is None:
        return []
    found = [App(name, place.address(name)) for name in sorted(seen.swarm.services)]
    return [app for app in found if app.address]


def notebook(slug: str) -> str:
    return f"{slug}.ipynb"


def _course(
    results: dict[str, ExerciseResult], records: list[dict[str, Any]], here: Exercise | None
) -> list[CourseLine]:
    lines = []
    for each in exercises.every():
        result = results.get(each.slug)
        lines.append(
            CourseLine(
                slug=each.slug,
                title=result.title if result else each.title,
                learn=each.learn,
                notebook=notebook(each.slug),
                points=result.points if result else each.points,
                earned=result.earned if result else 0,
                state=_state(result, progress.ever_done(records, each.slug)),
                seconds=progress.seconds_spent(records, each.slug),
                here=here is not None and here.slug == each.slug,
            )
        )
    return lines


def _state(result: ExerciseResult | None, ever_done: bool) -> str:
    if result and result.done:
        return "done"
    if ever_done:
        return "done before"
    return "started" if result and result.earned else "not started"


def _parts(sight: Sight) -> list[LabLine]:
    lab, seen = sight.lab, sight.observation
    if lab is None:
        return [LabLine("lab", False, sight.problem)]
    name, address = lab.access.where
    parts = [LabLine(name, True, address)]
    for machine in sorted(
        [part for part in lab.parts.values() if part.machine != JUPYTER], key=lambda part: part.machine
    ):
        gap = _gap(seen, machine.machine) if seen and machine.state == "running" else ""
        ok = machine.state == "running" and not gap
        parts.append(LabLine(machine.machine, ok, gap or machine.state))
    parts += [LabLine(name, False, "missing") for name in lab.missing if name not in lab.parts]
    return [*parts, *_registries(seen)] if seen else parts


def _gap(seen: Observation, machine: str) -> str:
    return seen.unobserved.get("registries" if machine == "edge" else f"engines/{machine}", "")


def _registries(seen: Observation) -> list[LabLine]:
    try:
        registries = list(SeenLab(seen).registries.values())
    except Unobserved as gap:
        return [LabLine("registries", False, str(gap))]
    parts = []
    for registry in registries:
        tags = sum(len(held) for held in registry.repositories.values())
        repositories = len(registry.repositories)
        ies, s = "y" if repositories == 1 else "ies", "" if tags == 1 else "s"
        parts.append(LabLine(registry.title, True, f"{repositories} repositor{ies}, {tags} tag{s}"))
    return parts


def questions(exercise: Exercise, given: dict[str, str], lab: Observation | None) -> tuple[Question, ...]:
    """An exercise's questions with these answers; a workshop's lab says of each whether it is right."""
    questions = quiz.with_judged(exercise.quiz, lab.judged.get(exercise.slug, {}) if lab else {})
    return tuple(_question(question, given.get(question["id"], "")) for question in questions)


def _question(question: dict[str, Any], given: str) -> Question:
    kind = quiz.kind(question)
    letters = quiz.letters(question, given)
    try:
        right, open_ = bool(given) and quiz.is_right(question, given), False
    except Unobserved:
        right, open_ = False, True
    choices = dict(question["choices"])
    order = letters if sorted(letters) == sorted(choices) else "".join(choices)
    told = quiz.told(question, given)
    items = tuple(question.get("items", ()))
    column, lines = str(question.get("column", "")), quiz.lines(question, given)
    return Question(
        question["id"], kind, question["ask"], choices, items, order, letters, right, told, open_, column, lines
    )


def reflection(exercise: Exercise, text: str) -> Reflection:
    """What the exercise asks to be written, with this text."""
    asked = exercise.reflection
    return Reflection(asked["ask"], text, len(text.split()), tuple(asked.get("rubric", ())))


def explain(output: str, lab: Observation | None = None) -> Explained:
    """What the error at the end of an output means, and what the access log adds to it."""
    at = achieved(lab) if lab else ()
    if not output.strip():
        return Explained("No error message was found in what this notebook's commands printed.", at=at)
    found = messages.find(output)
    if found is None:
        line = messages.complaint(output)
        if not line:
            return Explained("This output has no error to explain.", at=at)
        return Explained(
            "This message is not known here. Read its own words, and try docker COMMAND --help.",
            "",
            line,
            at=at,
        )
    message, line = found
    here = _here(message.id, lab) if lab else ""
    return Explained(message.means, "" if here else message.next, line, here, at)  # what is told here says what is next


def achieved(lab: Observation) -> tuple[object, ...]:
    """What people's commands have achieved so far. It changes with every command that works, and with nothing else."""
    events = lab.log.events if lab.log else ()
    services = lab.swarm.services.values() if lab.swarm else ()
    return (
        max((event.seq for event in events if event.ok and event.by_person), default=0),
        tuple(tuple(engine.tags) for engine in (lab.engines or {}).values()),
        tuple(sorted((service.name, service.spec, service.replicas or 0) for service in services)),
    )


def _holds(explained: Explained, lab: Observation | None) -> bool:
    """Whether no command has worked since. After that, an explanation would give advice that is no longer needed."""
    if lab is None:
        return True
    now = achieved(lab)
    return explained.at == now if explained.at else not now[0]  # where no lab was seen, nothing had been achieved


REFUSALS = {
    "push-denied": Action.PUSH,
    "insufficient-scope": Action.PUSH,
    "unauthorized": Action.PUSH,
    "wrong-password": Action.LOGIN,
}
"""Messages for which the access log knows the reason, by what was refused."""


def _here(message: str, observation: Observation) -> str:
    lab = SeenLab(observation)
    try:
        refused = [event for event in lab.events if event.action == REFUSALS.get(message) and not event.ok]
        registries = lab.registries
    except Unobserved:
        return ""
    if not refused or refused[-1].reason not in REASONS or refused[-1].registry not in registries:
        return ""
    last, registry = refused[-1], registries[refused[-1].registry]
    pushed = Reference(registry.host, last.repository)
    bare = bool(last.repository) and "/" not in pushed.name
    late = last.reason == Reason.NOT_SIGNED_IN and signed_in_after(lab.events, last)
    known = diagnoses.catalogue()[
        "push-no-namespace" if bare else "push-before-sign-in" if late else REASONS[last.reason]
    ]
    mine = str(lab.person.image(pushed.app or "myapp").tagged(""))
    values = {
        "repository": last.repository if bare else pushed.name,
        "user": last.user or "",
        "expected": mine,
        "registry": registry.title,
        "login": login(registry.host),
    }
    return known.message(dict.fromkeys(known.names, "") | values)
