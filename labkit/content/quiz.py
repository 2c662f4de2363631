"""Questions of four kinds, when an answer is right, and what the learner is told about it. Pure.

A question is a table [[quiz]] of exercise.toml: id, ask, choices {letter = text}, right, explain, and wrong {letter = what is
wrong with that choice}. `kind` is single (the default), several, order, or match, which has `items` too. An answer is letters:
the right one, all that apply in any order, the right order, or one letter for each item. In a match, `wrong` may also say by an
item's number what belongs there. Matches with a `column` and the same items make up a table: the items are its rows.

In a graded workshop the learner's questions come without SECRET (sealed.py). There the owner judges an answer, and
`with_judged` puts that verdict beside the question.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from labkit.seen.claims import Judged
from labkit.seen.lab import Unobserved

SECRET = ("right", "explain", "wrong")
"""The keys of a question that give away the right answer."""

AGAIN = "Read the lesson's part about it, then answer again."
MISSING = "Something is missing: choose all that apply."
OPEN = "One line has no answer yet."

KINDS = ("single", "several", "order", "match")


def kind(question: dict[str, Any]) -> str:
    return str(question.get("kind", "single"))


def letters(question: dict[str, Any], answer: str) -> str:
    """An answer's letters, however they were typed: lowercase, without spaces and commas, sorted where the order is free. A
    dash stands for a line of a match that has no answer yet."""
    found = "".join(char for char in answer.lower() if char.isalnum() or char == "-")
    return "".join(sorted(set(found))) if kind(question) == "several" else found


def is_right(question: dict[str, Any], answer: str) -> bool:
    """Raises Unobserved where only the workshop's owner knows, and has not judged this answer."""
    if "right" in question:
        return letters(question, answer) == letters(question, question["right"])
    judged = question.get("judged")
    if judged is None or letters(question, judged.answer) != letters(question, answer):
        raise Unobserved(f"the workshop's owner has not judged the answer to {question['id']}.")
    return bool(judged.right)


def told(question: dict[str, Any], given: str) -> str:
    """What the learner is told about an answer: why it is right, or what is wrong with each choice. Nothing about no answer,
    and about one that only the workshop's owner can judge and has not."""
    if not letters(question, given):
        return ""
    if "right" not in question:
        judged = question.get("judged")
        return judged.told if judged and letters(question, judged.answer) == letters(question, given) else ""
    if is_right(question, given):
        return str(question.get("explain", ""))
    return " ".join(_reasons(question, letters(question, given))) or AGAIN


def lines(question: dict[str, Any], given: str) -> tuple[bool | None, ...]:
    """For each item of a match whether its answer is right; None where it has none, or only the workshop's owner knows."""
    right, said = letters(question, question.get("right", "")), letters(question, given)
    found = (said[number : number + 1] for number in range(len(question.get("items", ()))))
    return tuple(
        None if letter in ("", "-") or not right else letter == right[number] for number, letter in enumerate(found)
    )


def astray(question: dict[str, Any], given: str) -> list[str]:
    """The items of a match whose answer is not right."""
    judged = lines(question, given)
    return [item for item, right in zip(question.get("items", ()), judged, strict=True) if right is False]


def _reasons(question: dict[str, Any], given: str) -> list[str]:
    right, wrong = letters(question, question["right"]), question.get("wrong", {})
    if kind(question) == "match":
        pairs = enumerate(zip(given.ljust(len(right), "-"), right, strict=False), 1)
        reasons = [
            OPEN if letter == "-" else wrong.get(str(number), wrong.get(letter))
            for number, (letter, belongs) in pairs
            if letter != belongs
        ]
    elif kind(question) == "several":
        reasons = [wrong.get(letter) for letter in given if letter not in right]
        reasons += [MISSING] if set(right) - set(given) else []
    else:
        # In the wrong place; in a single choice there is one place.
        out = [letter for letter, belongs in zip(given, right, strict=False) if letter != belongs]
        reasons = [wrong.get(letter) for letter in out[:1]]  # of an order: the first pushes the others out of place
    return list(dict.fromkeys(reason for reason in reasons if reason))


def with_judged(questions: Iterable[dict[str, Any]], judged: Mapping[str, Judged]) -> tuple[dict[str, Any], ...]:
    """The questions; those that come without their right answer get the owner's verdict on the learner's answer."""
    found = []
    for question in questions:
        known = "right" in question or question["id"] not in judged
        found.append(question if known else question | {"judged": judged[question["id"]]})
    return tuple(found)


def judged(questions: Iterable[dict[str, Any]], given: Mapping[str, str]) -> dict[str, Judged]:
    """The verdict on each of these answers, by question, where the right answer is known here."""
    found = {}
    for question in questions:
        if "right" in question and (answer := given.get(question["id"], "").strip()):
            found[question["id"]] = Judged(answer=answer, right=is_right(question, answer), told=told(question, answer))
    return found


def unanswered(questions: Iterable[dict[str, Any]], given: dict[str, str]) -> list[str]:
    """The ids of the questions that have no answer yet."""
    return [question["id"] for question in questions if not given.get(question["id"], "").strip()]


def wrong(questions: Iterable[dict[str, Any]], given: dict[str, str]) -> list[str]:
    """The ids of the questions whose answer is not right."""
    return [question["id"] for question in questions if not is_right(question, given.get(question["id"], ""))]


def how(question: dict[str, Any]) -> str:
    """How to type an answer as letters."""
    return {
        "single": "one letter",
        "several": "all letters that apply, like ac",
        "order": "all letters in the right order, like bca",
        "match": "one letter for each line, in the order of the lines, like bca",
    }[kind(question)]
