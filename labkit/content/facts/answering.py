"""What the learner answered, and wrote."""

from collections.abc import Iterable

from labkit.content.check import fail
from labkit.content.quiz import astray, is_right, lines, unanswered, wrong
from labkit.content.scope import Scope

LETTERS, DIFFERENT = 3, 10
"""Of a text's words with at least 3 letters, 10 must differ: any two or three sentences have more."""
PUNCTUATION = ".,;:!?…()[]“”„\"'’-–/*"


def answered(lab: Scope, names: Iterable[str] = ()) -> str:
    """These questions of the exercise, or all of them, have the right answer."""
    asked = list(names) or [question["id"] for question in lab.quiz]
    questions = [question for question in lab.quiz if question["id"] in asked]
    if missing := unanswered(questions, lab.given):
        answers = [name for name in asked if name not in missing]
        fail("quiz-open", expected=asked, found=answers, missing=", ".join(missing), exercise=lab.slug)
    if missed := wrong(questions, lab.given):
        every, right = len(asked), len(asked) - len(missed)
        expected, found = f"{every} of {every} right", f"{right} of {every} right"
        fail("quiz-wrong", expected=expected, found=found, missed=", ".join(missed))
    return ", ".join(f"{name}: {lab.given[name]}" for name in asked)


def matched(lab: Scope, name: str) -> str:
    """Each line of this match has the right answer. What is wrong is told by its lines."""
    question = next(question for question in lab.quiz if question["id"] == name)
    given = lab.given.get(name, "")
    if not given.strip():
        fail("quiz-open", expected=[name], found="no answer", missing=name, exercise=lab.slug)
    if not is_right(question, given) and "right" not in question:  # a workshop's owner has judged it, as a whole
        fail("quiz-wrong", expected="a right answer", found=given, missed=name)
    if not is_right(question, given):
        items = question["items"]
        missed = astray(question, given)
        right = sum(one is True for one in lines(question, given))
        expected, found = f"{len(items)} of {len(items)} right", f"{right} of {len(items)} right"
        told = ", ".join(missed) or "what has no answer yet"
        fail("quiz-lines", expected=expected, found=found, question=question["ask"], missed=told)
    return f"{name}: {given}"


def written(lab: Scope, least: int) -> str:
    """The learner wrote a text of so many words or more, for the instructor."""
    words = [word.strip(PUNCTUATION).casefold() for word in lab.given.get("reflection", "").split()]
    count, different = len(words), len({word for word in words if len(word) >= LETTERS})
    if count < least:
        fail("reflection-short", expected=f"{least} words", found=f"{count} words", exercise=lab.slug)
    if different < DIFFERENT:
        found = f"{different} different words of {LETTERS} letters or more"
        fail("reflection-same", expected=f"{DIFFERENT}", found=found, exercise=lab.slug)
    return f"{count} words, kept for your instructor"
