"""What panels show, as values: the picture, the feed, the course, quizzes; and that no name can break the page."""

from html.parser import HTMLParser

import pytest
from world import World, solved

from labkit import paths
from labkit.content import exercises, quiz
from labkit.grading.grade import grade
from labkit.lab.looking import watch
from labkit.lab.looking.sight import Sight
from labkit.view import compose, drawing, feed, plain, render
from labkit.view.picture import picture
from labkit.work import answers
from labkit.work import attempts as progress

NASTY = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>'",
    "two\nlines\r\tand \x1b[31mcolor",
    "right\u202eto left\u2066",
    "{{ 7 * 7 }} {% raw %} ${x} </style></svg>",
    "x" * 10_000,
]


class Tags(HTMLParser):
    """Collects what a browser would make of it."""

    VOID = ("input", "br")

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], []
        self.feed(html)
        assert self.open == [], f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> after {self.open}"
        self.open.pop()

    def handle_data(self, data):
        self.text.append(data)


def view_of(world, slug="05-deploy", shown=compose.EXERCISE):
    return compose.view(shown, exercises.load(slug), Sight("up", None, world.observation))


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_WORK", str(tmp_path))


# ── the picture ──────────────────────────────────────────────────────────────────────────────────────────────────────


def marks(drawn):
    return {row.name: row.mark for box in drawn.boxes for row in box.rows}


def test_the_same_image_has_the_same_mark_wherever_it_is():
    world = solved()
    drawn = picture(world.observation)
    found = marks(drawn)
    same = {found[name] for name in ("myapp:latest", "myusername/myapp:v1.0.0", "myapp", "myapp.1", "myapp.3")}
    assert len(same) == 1
    assert None not in same
    world.image("workstation", "other", ["other:latest"])
    assert marks(picture(world.observation))["other:latest"] not in same
    assert marks(picture(world.observation))["myapp:latest"] in same


def test_tasks_stand_on_their_nodes_with_why_they_failed():
    world = solved()
    world.task(2, state="failed", node="worker1", error="task: non-zero exit (1)", exit_code=1)
    rows = {box.title.partition(" ")[0]: box.rows for box in picture(world.observation).stage("swarm")}
    failed = [row for row in rows["worker1"] if row.state == "failed"]
    assert failed[0].name == "myapp.2"
    assert "non-zero exit" in failed[0].detail
    assert [row.state for row in rows["worker2"] if row.name.startswith("myapp.")] == ["running"]


def test_a_task_without_a_node_is_told():
    world = World().service()
    world.task(1, state="pending", node="", error="no suitable node (x)")
    words = " ".join(picture(world.observation).words())
    assert "on no node yet: myapp.1" in words
    assert "no suitable node" in words


def test_parts_that_do_not_answer_are_told():
    world = World()
    world.gap("registries", "gone").gap("log", "gone").gap("engines/workstation", "away").gap("swarm", "lost")
    words = " ".join(picture(world.observation).words())
    assert "gone" in words
    assert "away" in words
    assert "lost" in words


def test_many_things_are_counted_and_not_drawn():
    world = World()
    for number in range(200):
        world.image("workstation", f"n{number}", [f"n{number}:latest"])
    box = picture(world.observation).boxes[0]
    assert len(box.rows) == 8
    assert box.rows[-1].name == "and 194 more"


@pytest.mark.parametrize("number", [0, 1])
def test_nothing_overlaps_or_leaves_the_drawing(number):
    one = drawing.drawings(picture(solved().observation))[number]
    boxes = [(box.x, box.y, box.x + drawing.WIDTH, box.y + box.height) for box in one.boxes]
    for place, (left, top, right, bottom) in enumerate(boxes):
        assert left >= 0
        assert right <= one.width + 1
        assert bottom <= one.height
        for other in boxes[place + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
    names = [row.name for box in one.boxes for row in box.rows]
    assert all(len(name.shown) * drawing.BIG * drawing.AVERAGE <= drawing.WIDTH for name in names)


def test_a_long_name_keeps_its_tag():
    assert drawing.shorten("myusername/a-very-long-name-of-an-app:v1.0.0", 20).endswith(":v1.0.0")
    assert len(drawing.shorten("x" * 500, 20)) == 20


# ── what happened ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_feed_tells_who_did_what_newest_first_and_why_it_was_refused():
    world = solved()
    world.log("login", user="nobody", status=401, reason="unknown-user", repository="")
    world.log("push", user=None, status=401, reason="not-signed-in", repository="myusername/x", reference="v1")
    told = feed.lines(world.lab)
    assert [line.seq for line in told] == sorted((line.seq for line in told), reverse=True)
    assert (told[0].action, told[0].ok, told[0].reason) == ("push", False, "not signed in")
    assert "myusername/x:v1" in told[0].text
    assert told[1].text == "Docker Hub refused the sign-in of nobody"
    texts = [line.text for line in told]
    assert any(text.startswith("myusername pushed myusername/myapp:v1.0.0") for text in texts)
    assert any("pulled myusername/myapp:v1.0.0 on" in text for text in texts)


# ── the course, time spent ───────────────────────────────────────────────────────────────────────────────────────────


def record(kind, minute, **more):
    return {"kind": kind, "time": f"2026-01-01T10:{minute:02}:00+00:00", **more}


def test_time_spent_counts_work_and_not_pauses():
    records = [
        record("opened", 0, exercise="01-login"),
        record("hint", 4, exercise="01-login", check="accepted", number=1),
        record("attempt", 5, results={"01-login": {}, "02-tag": {}}),
        record("attempt", 6, results={"01-login": {"earned": 3, "points": 3}}),
        record("attempt", 50, results={"01-login": {"earned": 0, "points": 3}}),
        record("opened", 51, exercise="02-tag"),
    ]
    assert progress.seconds_spent(records, "01-login") == 6 * 60 + progress.PAUSE
    assert progress.seconds_spent(records, "02-tag") == 0
    assert progress.seconds_spent([{"kind": "hint", "exercise": "x"}], "x") == 0
    assert progress.ever_done(records, "01-login")
    assert not progress.ever_done(records, "02-tag")


def test_the_course_says_what_is_done_and_what_was():
    course = {one.slug: one.state for one in view_of(solved()).course}
    assert course["01-login"] == course["05-deploy"] == "done"
    assert course["06-practice"] in ("open", "begun")


# ── quizzes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "right", "given", "is_right"),
    [
        ("single", "b", " B ", True),
        ("single", "b", "ab", False),
        ("several", "ac", "c, a", True),
        ("several", "ac", "a", False),
        ("several", "ac", "abc", False),
        ("order", "bca", "b c a", True),
        ("order", "bca", "abc", False),
        ("match", "cbda", "cbda", True),
        ("match", "cbda", "cb-a", False),
    ],
)
def test_answers_of_four_kinds(kind, right, given, is_right):
    assert quiz.is_right({"kind": kind, "right": right}, given) is is_right


def test_every_kind_of_question_is_asked_somewhere_and_explained():
    questions = [one for exercise in exercises.every() for one in exercise.quiz]
    assert {quiz.kind(one) for one in questions} == set(quiz.KINDS)
    for one in questions:
        assert one["explain"]
        assert set(one["right"]) <= set(one["choices"])
        if quiz.kind(one) == "match":
            assert len(one["items"]) == len(one["right"])
        if quiz.kind(one) == "order":
            assert sorted(one["right"]) == sorted(one["choices"])


def test_a_right_answer_is_explained_and_a_wrong_one_is_not_given_away():
    exercise = exercises.load("03-push")
    question = exercise.quiz[0]
    right, wrong = (compose._question(question, given) for given in (question["right"], "ab"))
    assert right.right
    assert right.told == question["explain"]
    assert not wrong.right
    assert question["explain"] not in wrong.told


@pytest.mark.parametrize("typed", ["{}", " {}) ", "{}.", "({})", "x", "{}x", ")", ""])
def test_the_panel_and_the_check_judge_an_answer_alike(typed):
    exercise = exercises.load("06-practice")
    given = {question["id"]: typed.format(question["right"]) for question in exercise.quiz}
    world = World()
    world.data["answers"] = {"06-practice": given}
    answers.save(paths.home().work, "06-practice", given)
    view = view_of(world, "06-practice", compose.QUIZ)
    verdict = next(check for check in view.result.checks if check.id == "quiz")
    assert (verdict.outcome.value == "passed") is all(question.right for question in view.quiz)
    assert all(question.right for question in view.quiz) is (typed in ("{}", " {}) ", "{}.", "({})"))


# ── HTML and text ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("nasty", NASTY, ids=range(len(NASTY)))
def test_no_name_breaks_the_page(nasty):
    world = solved()
    world.image("workstation", "evil", [f"{nasty}:latest"])
    world.log("login", user=nasty, status=401, reason=nasty, repository="")
    world.log("push", user=nasty, repository=nasty, reference=nasty, status=401, reason="no namespace")
    world.service(nasty)
    world.task(1, state="failed", name=nasty, error=nasty)
    answers.save(paths.home().work, "06-practice", {"reflection": nasty, "ci": nasty})
    answers.save(paths.home().work, "02-tag", {"parts": nasty})
    harmless = set(Tags(render.static(view_of(solved()))).tags)
    page = Tags(render.static(view_of(world)))
    assert set(page.tags) - harmless <= {"details", "summary", "title"}
    assert not [name for name in page.attributes if name.startswith("on")]
    told = plain.text(view_of(world))
    assert all(char.isprintable() or char == "\n" for char in told)
    shown = "".join(page.text)
    assert "alert(1)" in shown or "alert" not in nasty
    for kind in ("06-practice", "02-tag"):
        questions = Tags(render.parts(view_of(world, kind, compose.QUIZ))["quiz"])
        assert "script" not in questions.tags


def test_a_learners_name_is_text_too(monkeypatch):
    world = solved()
    world.data["lab"]["person"] = {"learner": "<b>", "username": "<i>x</i>", "version": "<u>", "secret": "<s>"}
    page = Tags(render.static(view_of(world)))
    assert not {"b", "i", "u", "s"} & set(page.tags)


def test_what_is_not_live_has_nothing_to_click():
    for html in render.parts(view_of(World()), live=False).values():
        assert not {"button", "textarea", "select"} & set(Tags(html).tags)


def test_next_and_the_solution_come_only_when_it_is_done():
    before, after = (render.parts(view_of(world, "03-push"))["checks"] for world in (World(), solved()))
    assert "Next: 04-pull.ipynb" not in before
    assert "docker push myusername" not in before
    assert "Next: 04-pull.ipynb" in after
    assert "docker push myusername/myapp:v1.0.0" in after


def test_a_lab_that_is_down_is_told_and_may_be_started():
    view = compose.view(compose.EXERCISE, exercises.load("03-push"), Sight("down", problem="The lab is not running."))
    assert "Start the lab" in render.parts(view)["notice"]
    assert "labkit up" in render.parts(view, live=False)["notice"]
    assert "labkit up" in plain.text(view)


@pytest.mark.parametrize(
    ("state", "button"),
    [("down", "Start the lab"), ("expired", "Start it anew"), ("broken", "Repair the lab"), ("up", "")],
)
def test_each_state_offers_what_mends_it(state, button):
    notice = render.parts(compose.view(compose.START, None, Sight(state, problem="It is so.")))["notice"]
    assert (button in notice) if button else notice == ""


def test_long_work_shows_its_step():
    work = render.Work("Starting the lab", "starting 5 machines", 2, 3, 7)
    notice = Tags(render.parts(compose.view(compose.START, None, Sight("down"), work))["notice"])
    assert "progress" in notice.tags
    assert "starting 5 machines (7 s)" in "".join(notice.text)


def test_text_and_html_say_the_same():
    world = solved()
    view = view_of(world)
    html = " ".join("".join(Tags(render.static(view)).text).split())
    for line in [one.text for one in view.feed] + [check.claim for check in view.result.checks] + view.picture.words():
        assert line in plain.text(view)
        assert line in html


def test_a_report_in_a_notebook_looks_as_in_the_panel():
    world = World()
    exercise = exercises.load("03-push")
    page = Tags(render.report(grade([exercise], world.observation)))
    panel = Tags(render.parts(view_of(world, "03-push"), live=False)["checks"])
    ours = [text for text in page.text if ".lk" not in text]  # the style sheet
    assert " ".join("".join(ours).split()) == " ".join("".join(panel.text).split())
    assert page.tags[2:] == ["section", *panel.tags]


def test_the_reason_of_a_refusal_is_told_from_the_access_log():
    world = World()
    world.log("push", user=None, status=401, reason="not-signed-in", repository="myusername/myapp", reference="v1.0.0")
    told = compose.explain("denied: requested access to the resource is denied", world.observation)
    assert "nobody was signed in" in told.here
    assert "nobody" not in compose.explain("denied: requested access to the resource is denied", None).here


def test_a_look_without_an_engine_says_down(monkeypatch):
    monkeypatch.setenv("LABKIT_ENGINE", "unix:///nowhere/docker.sock")
    assert watch.look().state == "down"
