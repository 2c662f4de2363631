"""What can be said of an exercise without a lab: its checks tell known diagnoses, its questions have a right answer.

A check's mistakes come to light when a learner makes the mistake that it is about: here they come to light before.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.authoring.attempts import PLAIN, Attempt
from labkit.content import diagnoses, quiz
from labkit.content.exercises import Exercise
from labkit.errors import LabError, nearest

TELLS = {"fail": 0, "passed": 1}
"""{what a check calls: which of its arguments names a diagnosis}"""

GIVEN_BY_NAME = {"passed": "note"}
"""The same argument, if it is given by name."""


@dataclass(frozen=True)
class Told:
    """A place in a check's code that tells a diagnosis."""

    diagnosis: str
    line: int
    values: frozenset[str] | None
    """The values that its text is filled with; None if the code does not spell them out."""


def told(source: str) -> list[Told]:
    """The diagnoses that this code names. Code that chooses one, or looks one up by name, names all that are possible."""
    tree, found = ast.parse(source), []
    assigned = _assigned(tree)
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id not in TELLS:
            continue
        place, name = TELLS[call.func.id], GIVEN_BY_NAME.get(call.func.id)
        named = [*call.args[place : place + 1], *(word.value for word in call.keywords if name and word.arg == name)]
        spelled = all(word.arg for word in call.keywords)
        values = frozenset(word.arg for word in call.keywords if word.arg) if spelled else None
        for argument in named:
            found += [Told(word, call.lineno, values) for word in sorted(_worth(argument, assigned)) if word]
    return found


Assigned = dict[str, list[ast.expr]]
"""{name: every value that the code assigns to it}"""


def _assigned(tree: ast.AST) -> Assigned:
    found: Assigned = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
    return found


def _worth(node: ast.expr, assigned: Assigned, seen: frozenset[str] = frozenset()) -> set[str]:
    """The texts that an expression can evaluate to."""
    parts: list[ast.expr] = []
    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.Name(id=name) if name not in seen:
            parts, seen = assigned.get(name, []), seen | {name}
        case ast.IfExp():
            parts = [node.body, node.orelse]
        case ast.BoolOp() | ast.Dict():
            parts = node.values
        case ast.Subscript():
            parts = [node.value]
        case ast.Call(func=ast.Attribute(value=table, attr="get")):
            parts = [table, *node.args[1:]]
    return set().union(*(_worth(part, assigned, seen) for part in parts))


def problems(exercise: Exercise) -> dict[str, str]:
    """{what must hold: what is wrong with it, "" if nothing is}"""
    return {
        "each diagnosis that its checks tell is known": "; ".join(_tells(exercise.folder / "checks.py")),
        "each question has a right answer": "; ".join(_questions(exercise)),
    }


def _tells(file: Path) -> Iterator[str]:
    for one in told(file.read_text()):
        yield from (f"{file.parent.name}/{file.name}, line {one.line}: {problem}" for problem in _wrong(one))


def _wrong(one: Told) -> Iterator[str]:
    known = diagnoses.catalogue().get(one.diagnosis)
    if known is None:
        yield f"{one.diagnosis!r} is no diagnosis ({nearest(one.diagnosis, list(diagnoses.catalogue()))})"
    elif one.values is not None and (missing := sorted(known.names - one.values)):
        yield f"{one.diagnosis} names {{{missing[0]}}}, which fail(…) does not give"


def _questions(exercise: Exercise) -> Iterator[str]:
    for number, question in enumerate(exercise.quiz, 1):
        name = question.get("id", f"question {number}")
        yield from (f"{name}: {problem}" for problem in question_problems(question))


def question_problems(question: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a question."""
    if missing := [key for key in ("id", "ask", "choices", "right") if not question.get(key)]:
        yield f"{missing[0]} is missing"
        return
    kind, choices, right = quiz.kind(question), list(question["choices"]), str(question["right"])
    if kind not in quiz.KINDS:
        yield f"{kind!r} is no kind ({nearest(kind, list(quiz.KINDS))})"
        return
    if unknown := [letter for letter in right if letter not in choices]:
        yield f"the right answer {unknown[0]!r} is no choice (the choices are {', '.join(choices)})"
    elif kind == "single" and len(right) != 1:
        yield f'it has one right answer, not {len(right)}; of several: kind = "several"'
    elif kind == "order" and sorted(right) != sorted(choices):
        yield "the right order does not name each choice once"
    elif kind == "several" and len(set(right)) != len(right):
        yield "the right answer names a choice twice"
    elif kind == "match" and len(right) != len(question.get("items", ())):
        yield f"the right answer has {len(right)} letters for {len(question.get('items', ()))} items"
    places = [str(number + 1) for number in range(len(question.get("items", ())))]
    if unknown := [letter for letter in question.get("wrong", {}) if letter not in (*choices, *places)]:
        yield f"{unknown[0]!r} is explained and is no choice"


def header_problem(way: Attempt) -> str:
    """What is wrong with the first line of a wrong way: it names something that no check can say."""
    try:
        named = {way.diagnosis, *way.expected.values()} - {*PLAIN, ""}
    except LabError as error:
        return error.what
    unknown = sorted(named - set(diagnoses.catalogue()))
    return f"{unknown[0]!r} is no diagnosis ({nearest(unknown[0], list(diagnoses.catalogue()))})" if unknown else ""
