"""Marks as tables: for people and spreadsheets, and for the gradebooks of Canvas and Moodle.

What the two platforms accept is from their documentation and, where that is silent, from the code that reads the file:

Canvas: canvas-lms, lib/gradebook_importer.rb (read at 00b222d), which is what "How do I import grades in the Gradebook?" of the
Instructor Guide describes: the first row is `Student, ID, SIS User ID, SIS Login ID, Section`, then a column for each
assignment; a row whose first cell has `Points Possible` holds the maxima; a learner is found by `ID`, else by the SIS ids, else
by the name; an assignment by the number in parentheses at the end of its title, else by the whole title, else it is new.

Moodle: grade/import/csv/classes/load_data.php (read at 0289d8c), which is what "Grade import"
(https://docs.moodle.org/en/Grade_import) describes: the teacher maps one column to the user (ID number, e-mail address or user
name) and others to grade items or their feedback; an empty cell and "-" are no grade; a point is understood in every language.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from labkit.classroom.exports.cells import cell, table
from labkit.classroom.gradebook import Gradebook, Item, Learner, Scored, plain, taken_for_one


@dataclass(frozen=True)
class Sheet:
    """A file as text, and who is not in it."""

    text: str
    left_out: tuple[str, ...] = ()
    """A sentence for each learner who could not be in the file."""


def people(book: Gradebook) -> Sheet:
    """Everybody's points with what is known of each mark: a row for each learner. The byte order mark tells Excel that this is
    UTF-8."""
    head = ["Learner", "Name", "Email", "Section"]
    for item in book.items:
        head += [cell(f"{item.exercise} (of {plain(item.maximum)})")]
        head += [cell(f"{item.exercise}: {what}") for what in ("mark", "rubric", "feedback")]
    rows = [[*head, "Points", "Of", "Percent"]]
    for learner in book.learners:
        total = book.total(learner.id)
        row = [cell(learner.id), cell(learner.name), cell(learner.email), cell(learner.section)]
        for item in book.items:
            scored = book.counting(learner.id, item.exercise)
            row += [plain(scored.points) if scored else "", cell(_about(scored)) if scored else ""]
            review = book.review(learner.id, item.exercise)
            row += [cell(review.marks), cell(review.feedback)] if review else ["", ""]
        rows.append([*row, plain(total.points), plain(total.maximum), plain(total.percent)])
    return Sheet("\ufeff" + table(rows))


def _about(scored: Scored) -> str:
    mark = scored.mark
    told = [mark.at.isoformat(timespec="seconds"), mark.origin.value]
    if scored.late < 1:
        told.append(f"late, counts {plain(scored.late * 100)} percent")
    if scored.by_hand:
        told.append(f"set by hand: {scored.by_hand}")
    return "; ".join([*told, mark.comment] if mark.comment else told)


CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")

POSSIBLE = "Points Possible"

SUMS = re.compile(r"(Current|Final|Override) (Score|Points|Grade|Status)")
"""Canvas takes every column whose title contains one of these for its own sums and leaves it out."""

NUMBERED = re.compile(r" \(\d+\)$")
"""The end of a title that Canvas takes for the assignment's own number."""


def canvas(book: Gradebook, assignments: Mapping[str, str] | None = None) -> Sheet:
    """A file for Grades → Import. `assignments` has Canvas's own number of the assignment for an exercise; without it, Canvas
    finds the assignment by its title, `03-push Push it` here, or makes a new one.

    An empty cell means that there is no mark. Canvas then removes a score that is there, and says so before it does. A learner
    whom only the name could find is left out: two may have the same, and a learner can choose it. Canvas's file has no place
    for feedback."""
    known = assignments or {}
    rows = [[*CANVAS, *(_canvas_title(item, known.get(item.exercise, "")) for item in book.items)]]
    rows.append([f"    {POSSIBLE}", "", "", "", "", *(plain(item.maximum) for item in book.items)])
    left_out, twice = [], taken_for_one(book.learners, _canvas_ids)
    for learner in book.learners:
        ids = _canvas_ids(learner)
        if not any(ids):
            left_out.append(f"{learner.shown} has no ID of Canvas, no SIS user ID and no SIS login ID.")
        elif learner.ids.canvas and not re.fullmatch(r"[1-9][0-9]*", learner.ids.canvas, re.ASCII):
            left_out.append(f"{learner.shown} has the ID {learner.ids.canvas!r}, and Canvas's are numbers.")
        elif told := _unfit(learner, ids[1:]) or twice.get(learner.id, ""):
            left_out.append(told)
        else:
            rows.append([_canvas_name(learner), *ids, cell(learner.section), *_points(book, learner)])
    return Sheet(table(rows), tuple(left_out))


def _canvas_ids(learner: Learner) -> tuple[str, ...]:
    return learner.ids.canvas, learner.ids.sis_user, learner.ids.sis_login


def _canvas_title(item: Item, number: str) -> str:
    """One for each item: Canvas looks for a column by its title, so that the second of two equal ones would get the points of
    the first."""
    title = NUMBERED.sub("", cell(f"{item.exercise} {SUMS.sub('', item.title)}".strip()))
    return f"{title} ({number})" if number else title


def _canvas_name(learner: Learner) -> str:
    """A name that Canvas cannot take for the row with the maxima: it finds learners by their ids."""
    shown = (cell(learner.shown), cell(learner.id))
    return next((one for one in shown if POSSIBLE.casefold() not in one.casefold()), "(a learner)")


class By(StrEnum):
    """How Moodle finds a learner; the value is the title of the column."""

    ID_NUMBER = "ID number"
    EMAIL = "Email address"
    USERNAME = "Username"


def moodle(book: Gradebook, by: By = By.EMAIL, feedback: bool = True) -> Sheet:
    """A file for Grades → Import → CSV file. The teacher maps the column `by` to the user, and each exercise's to its item.

    A learner without what `by` asks for is left out. Moodle would otherwise give the points to the learner of the row before:
    it skips an empty user field, and keeps the user that it found last."""
    head = [by.value, "Name"]
    for item in book.items:
        head += [_moodle_title(item), *([f"{_moodle_title(item)} (feedback)"] if feedback else [])]
    rows, left_out, twice = [head], [], taken_for_one(book.learners, lambda one: (_moodle_user(one, by),))
    for learner in book.learners:
        name = _moodle_user(learner, by)
        if not name or name == "0":  # PHP's empty("0") is true
            left_out.append(f"{learner.shown} has no {by.value} for Moodle.")
        elif told := _unfit(learner, (name,)) or twice.get(learner.id, ""):
            left_out.append(told)
        else:
            row = [name, cell(learner.shown)]
            for item, points in zip(book.items, _points(book, learner), strict=True):
                row += [points, *([_feedback(book, learner, item)] if feedback else [])]
            rows.append(row)
    return Sheet(table(rows), tuple(left_out))


def _moodle_title(item: Item) -> str:
    return cell(f"{item.exercise} {item.title}".strip())


def _moodle_user(learner: Learner, by: By) -> str:
    known = {By.ID_NUMBER: learner.ids.moodle, By.EMAIL: learner.email, By.USERNAME: learner.ids.username}
    return known[by].strip()


def _feedback(book: Gradebook, learner: Learner, item: Item) -> str:
    """What the learner is told, as text: by an instructor first, then by the checks. Moodle shows feedback as HTML, so what
    could be markup is escaped."""
    scored = book.counting(learner.id, item.exercise)
    told = [f"Set by hand: {scored.by_hand}."] if scored and scored.by_hand else []
    told += book.said(learner.id, item.exercise)
    told += [check.message for check in scored.mark.checks if check.message] if scored else []
    plainly = " ".join(told).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return cell(plainly)


def _points(book: Gradebook, learner: Learner) -> list[str]:
    scores = (book.counting(learner.id, item.exercise) for item in book.items)
    return [plain(scored.points) if scored else "" for scored in scores]


def _unfit(learner: Learner, ids: tuple[str, ...]) -> str:
    """Why an id cannot be in the file: with an apostrophe in front it would be another's, and without one a formula."""
    for one in ids:
        if one != cell(one):
            return f"{learner.shown} has the id {one!r}, which a spreadsheet would run or the platform would not find."
    return ""
