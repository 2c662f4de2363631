"""Questions of four kinds, and when an answer is right. Pure.

A question is a table [[quiz]] of exercise.toml: id, ask, choices {letter = text}, right, and explain. `kind` is single (the
default), several, order, or match, which has `items` too. An answer is letters: the one, all that hold in any order, the
right order, or for each item its letter.

In a graded workshop the learner's questions come without `right` and `explain` (sealed.py): then what the owner said of
an answer decides, which `with_judged` puts beside the question.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from labkit.seen.claims import Judged
from labkit.seen.lab import Unobserved

SECRET = ("right", "explain")
"""What tells the right answer."""

KINDS = ("single", "several", "order", "match")


def kind(question: dict[str, Any]) -> str:
    return str(question.get("kind", "single"))


def letters(question: dict[str, Any], answer: str) -> str:
    """An answer's letters, however they were typed: small, without blanks and commas, in order where the order is free. A
    line of a match that is still open is a dash."""
    found = "".join(char for char in answer.lower() if char.isalnum() or char == "-")
    return "".join(sorted(set(found))) if kind(question) == "several" else found


def is_right(question: dict[str, Any], answer: str) -> bool:
    """Raises Unobserved where only the workshop's owner knows, and has not said."""
    if "right" in question:
        return letters(question, answer) == letters(question, question["right"])
    judged = question.get("judged")
    if judged is None or letters(question, judged.answer) != letters(question, answer):
        raise Unobserved(f"the workshop's owner has not judged the answer to {question['id']}.")
    return bool(judged.right)


def told(question: dict[str, Any]) -> str:
    """The explanation of a right answer."""
    judged = question.get("judged")
    return str(question.get("explain", "") or (judged.told if judged else ""))


def with_judged(questions: Iterable[dict[str, Any]], judged: Mapping[str, Judged]) -> tuple[dict[str, Any], ...]:
    """The questions, those without a right answer with what was said of the learner's."""
    found = []
    for question in questions:
        known = "right" in question or question["id"] not in judged
        found.append(question if known else question | {"judged": judged[question["id"]]})
    return tuple(found)


def judged(questions: Iterable[dict[str, Any]], given: Mapping[str, str]) -> dict[str, Judged]:
    """What there is to say of these answers, by question; of questions whose right answer is known here."""
    found = {}
    for question in questions:
        if "right" in question and (answer := given.get(question["id"], "").strip()):
            right = is_right(question, answer)
            found[question["id"]] = Judged(
                answer=answer, right=right, told=question.get("explain", "") if right else ""
            )
    return found


def unanswered(questions: Iterable[dict[str, Any]], given: dict[str, str]) -> list[str]:
    """The ids of the questions that have no answer yet."""
    return [question["id"] for question in questions if not given.get(question["id"], "").strip()]


def wrong(questions: Iterable[dict[str, Any]], given: dict[str, str]) -> list[str]:
    """The ids of the questions whose answer is not right."""
    return [question["id"] for question in questions if not is_right(question, given.get(question["id"], ""))]


def how(question: dict[str, Any]) -> str:
    """How to answer in letters, for people who type."""
    return {
        "single": "one letter",
        "several": "every letter that holds, like ac",
        "order": "all letters in the right order, like bca",
        "match": "a letter for each line, in the lines' order, like bca",
    }[kind(question)]
