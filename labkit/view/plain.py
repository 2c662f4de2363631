"""A view as lines of text, with control and direction marks shown as such. Pure."""

from collections.abc import Iterable

from labkit.content import quiz
from labkit.grading.report import check_text
from labkit.text import visible
from labkit.view.render import RUNS, Explained, Hints, Summary, View


def text(view: View) -> str:
    """What a panel shows, as lines of text."""
    blocks = [_TEXTS[name](view) for name in view.shown if name in _TEXTS]
    return "\n\n".join("\n".join(block) for block in map(list, blocks) if block)


def _notice(view: View) -> Iterable[str]:
    if view.state != "up":
        yield visible(f"✗ {view.problem}") + "\n  → labkit up"


def _checks(view: View) -> Iterable[str]:
    if view.result is None:
        return
    yield visible(f"{view.result.slug}  {view.result.title}  {view.result.earned}/{view.result.points} points")
    for check in view.result.checks:
        yield check_text(check)
        for hint in view.hints.get(check.id, Hints()).taken:
            yield visible(f"      hint: {hint}")
    yield from (visible(f"  {sentence}") for sentence in view.result.not_asked)
    if view.summary:
        yield from map(visible, _summary(view.summary))
    elif view.result.done and view.next:
        yield visible(f"✓ Exercise complete. Next: {view.next_title}")


def _summary(summary: Summary) -> Iterable[str]:
    if summary.open:
        titles = ", ".join(line.title for line in summary.open)
        yield f"✓ Exercise complete. That was the last one. Still open: {titles}"
        return
    yield f"✓ You finished the course: {summary.sums}"
    yield "You have learned:"
    yield from (f"  {text}" for text in summary.learned)
    yield "What comes next:"
    yield from (f"  {text}" for text in summary.following)


def _picture(view: View) -> Iterable[str]:
    if view.picture:
        yield "Where your images are (CI → registry → CD → Swarm)"
        yield from (visible(f"  {line}") for line in view.picture.words())


def _runs(view: View) -> Iterable[str]:
    if view.runs:
        yield "Runs of your workflow, the newest first"
        for run in view.runs:
            yield visible(f"  {RUNS[run.state]} run {run.number} of {run.commit[:7]}: {run.state}. {run.subject}")


def _feed(view: View) -> Iterable[str]:
    if view.feed:
        yield "What happened, the newest first"
        for line in view.feed:
            reason = f": {line.reason}" if line.reason else ""
            yield visible(f"  {line.clock} {'✓' if line.ok else '✗'} {line.text}{reason}")


def _course(view: View) -> Iterable[str]:
    yield "The course"
    if view.at_start and view.begin:
        yield visible(f"  {'Continue' if view.begun else 'Begin'}: {view.begin.title} ({view.begin.notebook})")
    for line in view.course:
        yield visible(f"  {line.slug} {line.title}: {line.earned}/{line.points} points, {line.status}")


def _lab(view: View) -> Iterable[str]:
    yield "The lab"
    yield from (visible(f"  {'✓' if part.ok else '✗'} {part.name}  {part.found}") for part in view.lab)


def _doctor(view: View) -> Iterable[str]:
    yield f"This machine · {view.machine}"
    yield from (f"  {finding.line()}" for finding in view.doctor)


def _tools(view: View) -> Iterable[str]:
    if view.explained:
        yield explained(view.explained)


def explained(told: Explained) -> str:
    """What a message means, and what to do next."""
    lines = [
        told.line,
        told.means,
        f"Here: {told.here}" if told.here else "",
        f"Next: {told.next}" if told.next else "",
    ]
    return "\n".join(visible(line) for line in lines if line)


def _quiz(view: View) -> Iterable[str]:
    if view.table:
        yield "Your table"
    for number, item in enumerate(view.table[0].items if view.table else ()):
        cells = "; ".join(f"{column.column}: {column.cell(number) or '…'}" for column in view.table)
        yield visible(f"   {item}: {cells}")
    for number, question in enumerate(view.quiz, 1):
        yield visible(f"{number}. {question.id}: {question.ask}")
        yield from (visible(f"   - {item}") for item in question.items)
        yield from (visible(f"   {letter}) {choice}") for letter, choice in question.choices.items())
        yield f"   ({quiz.how({'kind': question.kind})})"
        if question.given and question.open:
            yield visible(f"   your answer: {question.given}: saved. Your instructor's lab says whether it is right.")
        elif question.given:
            yield visible(
                f"   your answer: {question.given}: {'right.' if question.right else 'not right yet.'} {question.told}"
            )
    if view.reflection:
        yield visible(f"reflection: {view.reflection.ask}")
        yield from (visible(f"   your instructor looks for: {point}") for point in view.reflection.rubric)
        if view.reflection.text:
            yield f"   saved: {view.reflection.words} words"


_TEXTS = {
    "notice": _notice,
    "checks": _checks,
    "quiz": _quiz,
    "picture": _picture,
    "runs": _runs,
    "feed": _feed,
    "tools": _tools,
    "course": _course,
    "lab": _lab,
    "doctor": _doctor,
}
