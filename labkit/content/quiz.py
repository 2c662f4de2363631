"""Questions of four kinds, and when an answer is right. Pure.

A question is a table [[quiz]] of exercise.toml: id, ask, choices {letter = text}, right, and explain. `kind` is single (the
default), several, order, or match, which has `items` too. An answer is letters: the one, all that hold in any order, the
right order, or for each item its letter.
"""

from collections.abc import Iterable
from typing import Any

KINDS = ("single", "several", "order", "match")


def kind(question: dict[str, Any]) -> str:
    return str(question.get("kind", "single"))


def letters(question: dict[str, Any], answer: str) -> str:
    """An answer's letters, however they were typed: small, without blanks and commas, in order where the order is free. A
    line of a match that is still open is a dash."""
    found = "".join(char for char in answer.lower() if char.isalnum() or char == "-")
    return "".join(sorted(set(found))) if kind(question) == "several" else found


def is_right(question: dict[str, Any], answer: str) -> bool:
    return letters(question, answer) == letters(question, question["right"])


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
