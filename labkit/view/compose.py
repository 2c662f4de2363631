"""Puts a view together from what was seen of the lab and what is kept in the learner's folder."""

from typing import Any

from labkit import paths
from labkit.content import diagnoses, exercises, messages, quiz
from labkit.content.exercises import Exercise
from labkit.errors import LabError
from labkit.grading.grade import grade_one
from labkit.grading.report import ExerciseResult
from labkit.lab.engine.doctor import Finding
from labkit.lab.looking.sight import Sight
from labkit.lab.plan import JUPYTER
from labkit.seen.lab import SeenLab, Unobserved
from labkit.seen.log import Action, Reason
from labkit.seen.observation import Observation
from labkit.seen.reference import Reference
from labkit.view import feed
from labkit.view.picture import picture
from labkit.view.render import CourseLine, Explained, Hints, LabLine, Question, Reflection, View, Work
from labkit.work import answers
from labkit.work import attempts as progress

EXERCISE = ("notice", "picture", "checks", "tools", "feed", "course")
START = ("notice", "course", "lab", "tools", "doctor")
QUIZ = ("notice", "quiz")

REASONS: dict[str, str] = {
    Reason.NOT_SIGNED_IN: "push-not-signed-in",
    Reason.FOREIGN_NAMESPACE: "push-other-namespace",
    Reason.NO_NAMESPACE: "push-no-namespace",
    Reason.WRONG_PASSWORD: "login-wrong-password",
    Reason.UNKNOWN_USER: "login-unknown-user",
}
"""The diagnosis for each reason that the edge notes when it refuses."""


def view(
    shown: tuple[str, ...],
    exercise: Exercise | None,
    sight: Sight,
    work: Work | None = None,
    failed: str = "",
    explained: Explained | None = None,
    doctor: tuple[Finding, ...] = (),
) -> View:
    """What a panel shows of this sight. Reads the learner's folder; looks at no machine."""
    folder = sight.lab.work if sight.lab else paths.home().work
    records, _ = progress.read(folder)
    lab = sight.observation
    results = {each.slug: grade_one(each, lab) for each in exercises.every()} if lab else {}
    result = results.get(exercise.slug) if exercise else None
    given = answers.load(folder).get(exercise.slug, {}) if exercise else {}
    return View(
        shown=shown,
        state=sight.state,
        problem=sight.problem,
        failed=failed,
        inside=paths.home().inside or paths.home().guest,
        work=work,
        result=result,
        hints=_hints(exercise, records, lab) if exercise else {},
        solution=_solution(exercise, lab) if exercise and result and result.done else "",
        next=_next(exercise.slug) if exercise else "",
        picture=picture(lab) if lab else None,
        feed=tuple(feed.lines(SeenLab(lab))) if lab else (),
        course=tuple(_course(results, records, exercise)),
        explained=explained,
        machines=tuple(part.machine for part in sight.lab.nodes) if sight.lab else (),
        lab=tuple(_parts(sight)),
        doctor=doctor,
        quiz=_questions(exercise, given, lab) if exercise else (),
        reflection=_reflection(exercise, given.get("reflection", "")) if exercise and exercise.reflection else None,
    )


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


def notebook(slug: str) -> str:
    return f"{slug}.ipynb"


def _next(slug: str) -> str:
    following = [other for other in exercises.slugs() if other > slug]
    return notebook(following[0]) if following else ""


def _course(
    results: dict[str, ExerciseResult], records: list[dict[str, Any]], here: Exercise | None
) -> list[CourseLine]:
    lines = []
    for each in exercises.every():
        result = results.get(each.slug)
        done = progress.ever_done(records, each.slug)
        state = (
            "done"
            if result and result.done
            else "was done"
            if done
            else "begun"
            if result and result.earned
            else "open"
        )
        lines.append(
            CourseLine(
                slug=each.slug,
                title=result.title if result else each.title,
                notebook=notebook(each.slug),
                points=each.points,
                earned=result.earned if result else 0,
                state=state,
                seconds=progress.seconds_spent(records, each.slug),
                here=here is not None and here.slug == each.slug,
            )
        )
    return lines


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


def _questions(exercise: Exercise, given: dict[str, str], lab: Observation | None) -> tuple[Question, ...]:
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
    told = quiz.told(question) if right else "Look at the lesson's part about it, then answer again."
    items = tuple(question.get("items", ()))
    return Question(question["id"], kind, question["ask"], choices, items, order, letters, right, told, open_)


def _reflection(exercise: Exercise, text: str) -> Reflection:
    asked = exercise.reflection
    return Reflection(asked["ask"], text, len(text.split()), tuple(asked.get("rubric", ())))


def explain(output: str, lab: Observation | None = None) -> Explained:
    """What the error that an output ends with means, and what the access log adds to it."""
    if not output.strip():
        return Explained("No docker command has failed in this notebook since its kernel started.")
    found = messages.find(output)
    if found is None:
        line = messages.complaint(output)
        if not line:
            return Explained("The last output holds no error that could be explained.")
        return Explained(
            "This message is not known here. Its own words, and docker COMMAND --help, are all there is.", "", line
        )
    message, line = found
    here = _here(message.id, lab) if lab else ""
    return Explained(message.means, "" if here else message.next, line, here)  # what is told here says what is next


REFUSALS = {
    "push-denied": Action.PUSH,
    "insufficient-scope": Action.PUSH,
    "unauthorized": Action.PUSH,
    "wrong-password": Action.LOGIN,
}
"""Messages behind which the access log knows the reason, by what was refused."""


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
    known = diagnoses.catalogue()["push-no-namespace" if bare else REASONS[last.reason]]
    mine = str(lab.person.image(pushed.app or "myapp").tagged(""))
    values = {
        "repository": last.repository if bare else pushed.name,
        "user": last.user or "",
        "expected": mine,
        "registry": registry.title,
    }
    return known.message(dict.fromkeys(known.names, "") | values)
