"""Marks as documents: JSON for programs, JUnit's XML for CI servers, a page of HTML for people."""

import re
from typing import Any
from xml.etree import ElementTree  # only writes here

import msgspec

from labkit.classroom.gradebook import Checked, Gradebook, Item, Learner, Review, Scored, plain
from labkit.grading.report import Outcome
from labkit.text import dumps

SCHEMA = 1
"""The version of the JSON. New fields may be added without a new version."""


def to_json(book: Gradebook) -> str:
    """Everything: the gradebook, as it can be read again, and `results`, what follows from it for each learner."""
    told = {
        "schema": SCHEMA,
        "workshop": book.workshop,
        "results": [_result(book, learner) for learner in book.learners],
        "gradebook": msgspec.to_builtins(book),
    }
    return dumps(told, indent=1) + "\n"


def _result(book: Gradebook, learner: Learner) -> dict[str, Any]:
    found = {item.exercise: book.counting(learner.id, item.exercise) for item in book.items}
    return {
        "learner": learner.id,
        "name": learner.name,
        "section": learner.section,
        "total": {**msgspec.to_builtins(book.total(learner.id)), "percent": book.total(learner.id).percent},
        "exercises": {name: scored and _scored(scored) for name, scored in found.items()},
        "reviews": {
            item.exercise: _review(review) for item in book.items if (review := book.review(learner.id, item.exercise))
        },
    }


def _scored(scored: Scored) -> dict[str, Any]:
    return {
        "points": scored.points,
        "maximum": scored.maximum,
        "late": scored.late,
        "at": scored.mark.at.isoformat(),
        "origin": scored.mark.origin.value,
        "overruled": scored.mark.overruled,
        "given": dict(zip(("points", "maximum"), scored.given, strict=True)),
        "comment": scored.mark.comment,
    }


def _review(review: Review) -> dict[str, Any]:
    return {
        "at": review.at.isoformat(),
        "rubric": [{"line": line, "met": met} for line, met in review.rubric],
        "feedback": review.feedback,
    }


NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped (https://www.w3.org/TR/xml/#charsets)."""


def junit(book: Gradebook) -> str:
    """JUnit's XML as Jenkins and GitLab read it: a suite for each learner and exercise, a case for each check. A mark that was
    set by hand says so as a property; an exercise without a mark is one skipped case."""
    root = ElementTree.Element("testsuites", name=_xml(book.workshop))
    for learner in book.learners:
        for item in book.items:
            pair = learner.id, item.exercise
            root.append(_suite(learner, item, book.counting(*pair), book.review(*pair)))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ElementTree.indent(root, " ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _suite(learner: Learner, item: Item, scored: Scored | None, review: Review | None) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=_xml(f"{learner.shown} · {item.exercise}"), package=_xml(learner.id))
    told = {"maximum": plain(item.maximum)}
    if scored:
        mark = scored.mark
        suite.set("timestamp", mark.at.replace(tzinfo=None).isoformat(timespec="seconds"))
        told |= {"points": plain(scored.points), "at": mark.at.isoformat(), "origin": mark.origin.value}
        told |= {"overruled": scored.by_hand} if scored.by_hand else {}
        told |= {"comment": mark.comment} if mark.comment else {}
    if review:
        told |= {name: text for name, text in (("rubric", review.marks), ("feedback", review.feedback)) if text}
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in told.items():
        ElementTree.SubElement(properties, "property", name=name, value=_xml(value))
    where = _xml(f"{learner.id}.{item.exercise}")
    for check in scored.mark.checks if scored else ():
        _case(suite, where, check)
    if not scored:
        case = ElementTree.SubElement(suite, "testcase", classname=where, name="no mark")
        ElementTree.SubElement(case, "skipped", message="There is no mark.")
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(1 for _ in suite.iter(tag))))
    suite.set("tests", str(sum(1 for _ in suite.iter("testcase"))))
    return suite


TAGS = {
    Outcome.NOT_YET: "failure",
    Outcome.ERROR: "error",
    Outcome.BLOCKED: "skipped",
    Outcome.CONVERGING: "failure",
}
"""What JUnit calls an outcome. A passed case has no element of its own."""


def _case(suite: ElementTree.Element, where: str, check: Checked) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=where, name=_xml(f"{check.id}: {check.claim}"), time="0")
    if tag := TAGS.get(check.outcome):
        told = _xml(check.message)
        ElementTree.SubElement(case, tag, message=told, type=check.outcome.value).text = told


def _xml(text: str) -> str:
    return NOT_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Marks: {{ book.workshop }}</title>
<style>
body { font: 16px/1.4 system-ui, sans-serif; margin: 2rem; color: #1a1a1a; background: #fff; }
table { border-collapse: collapse; } th, td { border: 1px solid #767676; padding: .3rem .6rem; text-align: left; }
td.points { text-align: right; } thead th { background: #eee; } .note { font-size: .85rem; color: #444; }
</style>
</head>
<body>
<h1>Marks: {{ book.workshop }}</h1>
<table>
<caption class="note">Points by exercise; the total is by weight.</caption>
<thead><tr><th scope="col">Learner</th><th scope="col">Section</th>
{% for item in book.items %}<th scope="col">{{ item.exercise }} {{ item.title }} (of {{ plain(item.maximum) }})</th>
{% endfor %}<th scope="col">Percent</th></tr></thead>
<tbody>
{% for learner in book.learners %}<tr><th scope="row"><bdi>{{ learner.shown }}</bdi></th>
<td><bdi>{{ learner.section }}</bdi></td>
{% for item in book.items %}{% set scored = book.counting(learner.id, item.exercise) %}<td class="points">
{% if scored %}{{ plain(scored.points) }}<div class="note">{{ scored.mark.origin.value }}
{%- if scored.late < 1 %}, late{% endif %}
{% if scored.by_hand %}, set by hand: <bdi>{{ scored.by_hand }}</bdi>{% endif %}</div>
{% else %}–{% endif %}
{% for said in book.said(learner.id, item.exercise) %}<div class="note"><bdi>{{ said }}</bdi></div>{% endfor %}</td>
{% endfor %}<td class="points">{{ plain(book.total(learner.id).percent) }}</td></tr>
{% endfor %}</tbody>
</table>
</body>
</html>
"""


def html(book: Gradebook) -> str:
    """A page that needs nothing else and runs nothing. Names keep their direction to themselves."""
    from jinja2 import Environment

    pages = Environment(autoescape=True)
    return pages.from_string(PAGE).render(book=book, plain=plain) + "\n"
