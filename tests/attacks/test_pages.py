"""What a page would run: whatever is named like HTML, or answered in it, stays text; in the picture too."""

import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from test_plan import NAMES, lab
from world import World

from labkit.content import exercises
from labkit.grading.grade import grade
from labkit.jupyter.notebook import Message, Result
from labkit.lab.engine.doctor import Finding
from labkit.lab.looking.sight import Sight
from labkit.view import compose, render
from labkit.view.render import Explained, Work
from labkit.work import answers

MARK = "lkattack"
ATTEMPTS = {
    "script": f"<script>{MARK}()</script>",
    "attribute": f"\"'><img src=x onerror={MARK}()>",
    "svg": f"</text></svg><svg onload={MARK}()><title>",
    "style": f"</style><style>@import '//evil/{MARK}'</style>",
    "template": "{{ ''.__class__.__mro__ }}{% raw %}" + MARK,
    "textarea": f"</textarea><iframe srcdoc='<script>{MARK}()</script>'>",
    "link": f"javascript:{MARK}()",
    "entity": f"&lt;script&gt;{MARK}()&#60;/script&#62;",
    "cdata": f"]]><!--<a href=javascript:{MARK}()>-->",
    "direction": f"\u202e\u2066\x1b[31m\x00{MARK}\ud800",
}


class Page(HTMLParser):
    """What a browser would make of it: its elements, and every attribute with its value."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def harmless(html):
    html.encode()  # can be sent at all
    page = Page(html)
    assert not {"script", "img", "iframe", "object", "embed", "link", "base", "meta", "foreignobject"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("srcdoc", "formaction")]
    assert {value for name, value in page.attributes if name == "style"} <= {"white-space:pre-wrap;"}  # our own
    for name, value in page.attributes:
        if name in ("href", "src", "action", "xlink:href"):
            assert not (value or "").strip().lower().startswith(("javascript:", "data:")), (name, value)
    assert all(char.isprintable() or char in "\n" for char in page.text.replace("\t", " "))
    return page


def world_of(text):
    """A lab in which everything that somebody can name is called so."""
    world = World().image("workstation", "mine", [f"{text}/webapp:v1"], labels={text: text})
    world.hold("myusername/myapp", text)
    world.hold(text, "v1.0.0", registry="private", name="evil")
    world.service(name=text, image=text).task(1, name=text, node=text, state="failed", error=text)
    world.data["answers"] = {"06-practice": {"ci": text, "reflection": text}}
    world.data["unobserved"] = {"engines/worker2": text}
    world.data["lab"] = {"name": text, "person": {"learner": text, "username": text, "version": text, "secret": text}}
    return world


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            text,
            id=name,
            marks=pytest.mark.attack(
                "pages",
                f"{name}: {text!r} as every name, tag, label, error, answer and learner",
                "the page shows it as text",
            ),
        )
        for name, text in ATTEMPTS.items()
    ],
)
def test_a_page_holds_it_as_text(text, tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_WORK", str(tmp_path))
    work = tmp_path / ".labkit" / "answers.json"
    work.parent.mkdir()
    work.write_text(json.dumps({"06-practice": {"ci": text, "reflection": text}}))
    seen = world_of(text).observation
    practice = exercises.load("06-practice")
    sight = Sight("broken", replace(lab(tmp_path, NAMES)), seen, text, {text: text})
    finding = Finding(text, "broken", text, text)
    for shown in (compose.EXERCISE, compose.START, compose.QUIZ):
        view = compose.view(
            shown, practice, sight, Work(text, text), text, Explained(text, text, text, text), (finding,)
        )
        told = "".join(harmless(html).text for html in render.parts(view).values())
        harmless(render.static(view))
        assert MARK in told
        quiet = compose.view(shown, practice, replace(sight, state="up", problem=""), failed=text)
        assert all(harmless(html) for html in render.parts(quiet).values())
    harmless(Message(text)._repr_html_())
    harmless(Result(grade(exercises.every(), seen, text))._repr_html_())
    assert answers.load(tmp_path)
