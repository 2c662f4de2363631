"""What panels show, as values: the picture, the feed, the course, quizzes; and that no name can break the page."""

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest
from msgspec import structs
from world import SWARM, World, sha, solved, updating

from labkit import paths
from labkit.content import exercises, quiz
from labkit.edge.facts import registries
from labkit.grading.grade import grade
from labkit.lab.engine.doctor import Finding
from labkit.lab.looking import watch
from labkit.lab.looking.sight import Sight
from labkit.seen.log import Reason
from labkit.view import compose, feed, motion, plain, render
from labkit.view.changes import PAUSE, Changes
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


def test_a_part_that_nobody_looked_at_is_no_fault_of_the_lab():
    seen = solved().observation
    of_one_exercise = structs.replace(seen, swarm=None, registries=None, unobserved={})
    assert {box.empty for box in picture(of_one_exercise).stage("swarm")} == {"was not looked at"}
    assert {box.empty for box in picture(of_one_exercise).stage("registry")} == {"were not looked at"}
    away = structs.replace(of_one_exercise, unobserved={"swarm": "it is exited."})
    assert {box.empty for box in picture(away).stage("swarm")} == {"does not answer (it is exited.)"}


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


def test_old_and_new_tasks_are_told_apart_while_an_update_runs():
    drawn = picture(updating(2, 3).observation)
    rows = {row.name: row for box in drawn.stage("swarm") for row in box.rows if row.state}
    assert {name: (row.state, row.detail) for name, row in rows.items()} == {
        "myapp.1": ("running", "running v1.1.0"),
        "myapp.2": ("old", "still v1.0.0"),
        "myapp.3": ("old", "still v1.0.0"),
    }
    assert rows["myapp.1"].mark != rows["myapp.2"].mark == rows["myapp.3"].mark
    (service,) = drawn.stage("cd")[0].rows
    assert (service.state, service.detail) == ("moving", "1 of 3 v1.1.0, 2 still v1.0.0")
    assert "myapp.2 (image" in " ".join(drawn.words())
    page = Tags(render.parts(view_of(updating(2, 3)))["picture"])
    assert page.attributes.count("data-state") == sum(len(box.rows) for box in drawn.boxes)


def test_an_update_that_has_stopped_is_told_with_what_is_left():
    (service,) = picture(updating(3, state="paused").observation).stage("cd")[0].rows
    assert service.detail == "2 of 3 v1.1.0, 1 still v1.0.0 · update paused"


def test_an_update_that_is_through_tells_of_nothing_old():
    drawn = picture(updating(state="completed").observation)
    assert drawn.stage("cd")[0].rows[0].detail == "3 of 3 run · myapp:v1.1.0"
    assert {row.state for box in drawn.stage("swarm") for row in box.rows} == {"running"}


def test_an_old_task_that_waits_for_its_successor_stands_beside_it():
    world = updating(3)
    world.task(3, state="preparing", node="worker1")
    rows = [row for box in picture(world.observation).stage("swarm") for row in box.rows if row.name == "myapp.3"]
    assert sorted((row.state, row.detail) for row in rows) == [("moving", "preparing"), ("old", "still v1.0.0")]


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


def test_the_picture_has_the_registries_of_the_exercise_at_hand():
    world = solved()
    for key in ("harbor", "ecr"):
        world.vendor(key).put("team/myapp", "v1.0.0", registry=key)
    own = {"title": "mine.lab:5000", "host": "mine.lab:5000", "hosts": ["mine.lab"], "seeded": [], "repositories": {}}
    world.data["registries"]["known"]["mine.lab:5000"] = own
    world.put("team/myapp", "v1.0.0", registry="mine.lab:5000")

    def drawn(*registries):
        return [box.title for box in picture(world.observation, registries).stage("registry")]

    assert drawn("hub", "private") == ["Docker Hub", "mine.lab:5000"]  # one of the learner's own is always there
    assert drawn("hub", "harbor") == ["Docker Hub", "Harbor", "mine.lab:5000"]
    assert len(picture(world.observation).stage("registry")) == 4
    assert "Harbor" not in render.parts(view_of(world, "03-push"))["picture"]
    assert "Harbor" in render.parts(view_of(world, "11-registries"))["picture"]
    assert "team/myapp" in " ".join(line.text for line in view_of(world.log("push", registry="harbor",
        repository="team/myapp", reference="v1.0.0"), "03-push").feed)  # fmt: skip


def test_a_registry_that_nobody_has_used_yet_is_shown_by_its_name_as_empty():
    world = solved()  # of the vendors nothing is observed: nobody has used them
    shown = {box.title: box for box in view_of(world, "11-registries").picture.stage("registry")}
    assert list(shown) == ["Docker Hub", "still empty"]
    others = "Harbor, Nexus, docker-hosted, Amazon ECR, Azure Container Registry, Artifact Registry"
    assert (shown["still empty"].rows, shown["still empty"].empty) == ((), f"registry.lab:5000, {others}")
    world.vendor("harbor").put("team/myapp", "v1.0.0", registry="harbor")
    world.vendor("ecr")  # somebody has signed in there, and pushed nothing
    shown = {box.title: box for box in view_of(world, "11-registries").picture.stage("registry")}
    assert list(shown) == ["Docker Hub", "Harbor", "still empty"]
    assert shown["still empty"].empty == f"registry.lab:5000, {others.removeprefix('Harbor, ')}"
    told = render.parts(view_of(world, "11-registries"))["picture"]
    assert "registries are stand-ins" in told.partition("</summary>")[0], "each page says so, in sight"
    assert "still empty: registry.lab:5000, Nexus, docker-hosted, Amazon ECR" in told
    # Where an exercise names no registries, one that is not used is no news.
    for slug in ("03-push", "12-mirror"):
        assert "still empty" not in render.parts(view_of(world, slug))["picture"]


def test_every_exercise_names_registries_that_there_are():
    for one in exercises.every():
        assert set(one.registries) <= set(registries()), one.slug
    assert exercises.load("03-push").registries == exercises.STANDARD


def test_every_row_and_box_has_a_key_of_its_own():
    world = solved().service("webapp").task(1, name="webapp")
    for name in ("one", "two"):  # two images of a repository without a tag: both are named by it
        world.image("worker1", name, [], digests=[f"myusername/other@{sha(name)}"])
    drawn = picture(world.observation)
    keys = [*(box.key for box in drawn.boxes), *(key for box in drawn.boxes for key in box.keyed)]
    assert len(keys) == len(set(keys))
    assert len(drawn.keyed) == sum(len(box.rows) for box in drawn.boxes)
    world.data["swarm"]["members"]["worker1"]["availability"] = "drain"
    assert {box.key for box in picture(world.observation).boxes} == {box.key for box in drawn.boxes}


@pytest.mark.parametrize(
    ("name", "halves"),
    [
        ("myusername/myapp:v1.0.0", ("myusername/myapp", ":v1.0.0")),
        ("registry.lab:5000/team/app", ("registry.lab:5000/team/app", "")),
        ("myapp.1", ("myapp.1", "")),
    ],
)
def test_where_there_is_no_room_a_name_keeps_its_tag(name, halves):
    assert render._halves(name) == halves


# ── what changed, and what moved ─────────────────────────────────────────────────────────────────────────────────────


def test_what_the_last_command_changed_is_told_until_the_next_one():
    world = World()
    seen = Changes().seen(picture(world.observation), 0)
    assert seen.rows == frozenset()
    world.image("workstation", "app", ["myusername/myapp:v1.0.0"])
    tagged = seen.seen(picture(world.observation), 100)
    assert tagged.rows == {"ci workstation/myusername/myapp:v1.0.0"}
    assert tagged.seen(picture(world.observation), 500) == tagged
    world.service()
    world.task(1, state="preparing", node="worker1")
    begun = tagged.seen(picture(world.observation), 600)
    world.services["myapp"]["tasks"][0]["state"] = "running"
    done = begun.seen(picture(world.observation), 600 + PAUSE - 1)
    assert begun.rows == done.rows == {"cd services/myapp", "swarm worker1/myapp.1"}
    world.image("workstation", "other", ["other:latest"])
    assert done.seen(picture(world.observation), 700).rows == {"ci workstation/other:latest"}


def test_what_changed_is_marked_in_the_picture():
    world = solved()
    html = render.parts(view_of(world))["picture"]
    assert "data-changed" not in html
    view = compose.view(
        compose.EXERCISE, exercises.load("03-push"), Sight("up", None, world.observation),
        changed=frozenset({"registry Docker Hub/myusername/myapp:v1.0.0"}),
    )  # fmt: skip
    page = Tags(render.parts(view)["picture"])
    assert page.attributes.count("data-changed") == 1


def test_images_move_between_the_boxes_that_the_picture_has():
    world = solved().pull(machine="worker1")
    common = {"repository": "myusername/myapp", "digest": world.digest(), "reference": world.digest()}
    world.log("pull", machine="worker2", agent=SWARM, user=None, **common)
    world.log("pull", machine="workstation", agent=SWARM, user=None, **common)
    drawn = picture(world.observation)
    told = motion.since(world.lab, drawn, 0)
    hub = "registry Docker Hub"
    assert [(one["fly"], one["from"], one["to"]) for one in told] == [
        ("push", "ci workstation", hub),
        ("pull", hub, "ci workstation"),
        ("pull", hub, "swarm worker1"),
        ("pull", hub, "swarm worker2"),
        ("pull", hub, "swarm workstation"),
    ]
    assert {one[end] for one in told for end in ("from", "to")} <= {box.key for box in drawn.boxes}
    assert told[0]["layers"] == 1
    mark = marks(drawn)["myusername/myapp:v1.0.0"]
    assert (told[-1]["letter"], told[-1]["color"]) == (mark.letter, mark.color)
    last = motion.newest(feed.lines(world.lab))
    world.log("push", status=401, repository="myusername/x", reference="v1", reason="not-signed-in")
    assert motion.since(world.lab, drawn, last) == []


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
    assert any(text.startswith("You pushed myusername/myapp:v1.0.0") for text in texts)
    assert any("You pulled myusername/myapp:v1.0.0 on" in text for text in texts)


def test_the_feed_tells_a_pull_that_was_refused_once_and_whose_it_was():
    world = World()
    asked = {"status": 404, "reason": "not-found", "repository": "myusername/myapp", "reference": "v1", "digest": ""}
    for action in ("head", "pull"):  # an engine asks for both
        world.log(action, **asked)
    world.log(
        "push", user="colleague", status=403, reason="foreign-namespace", repository="myusername/x", reference="v1"
    )
    world.log("pull", machine="", user=None, agent="curl/8", **asked)
    texts = [line.text for line in feed.lines(world.lab)]
    assert texts == [
        "someone not signed in tried to pull myusername/myapp:v1",
        "Docker Hub refused colleague's push to myusername/x:v1",
        "You tried to pull myusername/myapp:v1 on workstation",
    ]


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
    assert course["06-practice"] in ("not started", "started")


def test_a_course_line_says_how_long_it_took():
    line = render.CourseLine("01-login", "Log in", "who you are", "01-login.ipynb", 3, 3, "done before", 370, False)
    assert (line.number, line.status) == ("01", "done before · 6 min")
    assert replace(line, state="not started", seconds=0).status == "not started"
    assert replace(line, seconds=20).status == "done before · under a minute"


def test_the_start_page_begins_with_the_first_exercise_that_is_open():
    view = view_of(World(), shown=compose.START)
    assert view.shown.index("course") < view.shown.index("lab") < view.shown.index("doctor")
    course = render.parts(view)["course"]
    assert "Begin: Log in to a registry" in course
    assert course.index("Begin:") < course.index("02 ·")
    assert "Begin: Log in to a registry (01-login.ipynb)" in plain.text(view)
    world = World().sign_in()
    later = view_of(world, shown=compose.START)
    assert (later.begun, later.begin.slug) == (True, "02-tag")
    assert "Continue: " in render.parts(later)["course"]
    assert "<details" not in course  # in an exercise it is a fold
    assert "<details" in render.parts(view_of(world))["course"]


def test_a_fold_tells_the_outcome_of_the_doctors_look():
    found = [Finding("engine", "ok", "Docker"), Finding("ipvs", "warning", "none", "nothing to do")]
    say = lambda *findings: render.View(("doctor",), doctor=findings).machine  # noqa: E731
    assert say() == "not examined yet"
    assert say(found[0]) == "✓ ready"
    assert say(*found) == "✓ ready, 1 note"
    assert say(*found, Finding("disk", "broken", "full")) == "✗ broken: disk"
    assert "✓ ready, 1 note" in render.parts(render.View(("doctor",), doctor=tuple(found)))["doctor"]


def test_the_last_exercise_ends_with_a_summary_and_so_does_any_once_all_are_done():
    lines = tuple(
        render.CourseLine(
            one.slug, one.title, one.learn, f"{one.slug}.ipynb", one.points, one.points, "done", 600, False
        )
        for one in exercises.every()
    )
    result = replace(view_of(solved(), "01-login").result, slug="06-practice")
    view = render.View(("checks",), result=result, course=lines)
    points = sum(line.points for line in lines)
    for told in (render.parts(view)["checks"], plain.text(view)):
        assert f"You finished the course: {points} of {points} points · {10 * len(lines)} min of work" in told
        assert all(line.learn in unescape(told) for line in lines)
        assert "What comes next:" in told
        assert render.FOLLOWING[0] in told
    one_open = replace(view, course=(replace(lines[0], state="started"), *lines[1:]))
    for told in (render.parts(one_open)["checks"], plain.text(one_open)):
        assert "Still open:" in told
        assert lines[0].title in told
        assert "You have learned" not in told
    for told in (
        render.parts(replace(view, next="02-tag.ipynb"))["checks"],
        plain.text(replace(view, next="02-tag.ipynb")),
    ):
        assert "You finished the course" in told
        assert "Next: " not in told
    assert replace(one_open, next="02-tag.ipynb").summary is None
    assert "You finished the workshop" in render.parts(replace(view, others=8))["checks"]


def test_in_a_workshop_the_panel_shows_its_exercises():
    def shown(slug, taught):
        sight = Sight("up", None, solved().observation)
        return compose.view(
            compose.START if slug is None else compose.EXERCISE, slug and exercises.load(slug), sight, taught=taught
        )

    taught, every = ("01-login", "03-push", "05-deploy"), exercises.slugs()
    start = shown(None, taught)
    assert [line.slug for line in start.course] == list(taught)
    html = render.parts(start)["course"]
    assert f"The course has {len(every) - 3} more" in html and "<h3>The workshop</h3>" in html
    assert [shown(slug, taught).next for slug in ("01-login", "03-push", "05-deploy")] == [
        "03-push.ipynb",
        "05-deploy.ipynb",
        "",
    ]
    for all_of_them in ((), tuple(every)):
        whole = shown(None, all_of_them)
        assert len(whole.course) == len(every) and "more, in this folder" not in render.parts(whole)["course"]


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
    assert "Next: Pull an image" not in before
    assert "Compare with the reference solution" not in before
    assert "Exercise complete." in after
    assert "Next: Pull an image" in after
    assert "docker push myusername/myapp:v1.0.0" in after


def test_a_lab_that_is_down_is_told_and_may_be_started():
    view = compose.view(compose.EXERCISE, exercises.load("03-push"), Sight("down", problem="The lab is not running."))
    assert "Start the lab" in render.parts(view)["notice"]
    assert "labkit up" in render.parts(view, live=False)["notice"]
    assert "labkit up" in plain.text(view)


@pytest.mark.parametrize(
    ("state", "button"),
    [("down", "Start the lab"), ("expired", "Start a new lab"), ("broken", "Repair the lab"), ("up", "")],
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


@pytest.mark.parametrize("reason", list(Reason))
def test_each_reason_is_told_in_words(reason):
    world = World()
    about = {"status": 429, "reason": reason.value, "repository": "myusername/app", "reference": "v1", "user": None}
    (told,) = feed.lines(world.log("pull", **about).lab)
    assert told.reason and "-" not in told.reason and told.text.startswith("You tried to pull")


def test_advice_that_no_longer_holds_is_gone():
    world = World()
    world.log("push", user=None, status=401, reason="not-signed-in", repository="myusername/myapp", reference="v1.0.0")
    told = compose.explain("denied: requested access to the resource is denied", world.observation)

    def shown():
        sight = Sight("up", None, world.observation)
        return compose.view(compose.EXERCISE, exercises.load("03-push"), sight, explained=told)

    assert "nobody was signed in" in render.parts(shown())["tools"]
    assert "docker login" in render.parts(shown())["checks"]
    world.service()
    world.task(1, state="failed")
    changed = compose.achieved(world.observation)
    world.task(2, state="running")
    assert compose.achieved(world.observation) == changed  # what the Swarm does by itself is no command that worked
    world.sign_in()
    assert shown().explained is None
    checks = render.parts(shown())["checks"]
    assert "You have signed in since." in checks
    assert "docker login" not in checks
    again = compose.explain("denied: requested access to the resource is denied", world.observation)
    assert "You have signed in since." in again.here


def test_only_the_first_check_that_is_open_is_told_at_length():
    page = render.parts(view_of(World(), "06-practice"))["checks"]
    assert page.count('<details data-key="first-') == 1
    assert page.count(" open>") == 1
    assert render.parts(view_of(solved(), "03-push"))["checks"].count(" open>") == 0
    whole = render.parts(view_of(World(), "06-practice"), live=False)["checks"]
    assert whole.count("open>") >= whole.count("lk-not_yet")


def test_a_look_without_an_engine_says_down(monkeypatch):
    monkeypatch.setenv("LABKIT_ENGINE", "unix:///nowhere/docker.sock")
    assert watch.look().state == "down"


# ── a table of questions ─────────────────────────────────────────────────────────────────────────────────────────────


def test_matches_with_a_column_are_shown_as_one_table(tmp_path):
    answers.save(tmp_path, "11-registries", {"runs": "baaaaa-", "exists": "ee"})
    view = view_of(solved(), "11-registries", compose.QUIZ)
    assert [question.column for question in view.table][:3] == ["Who runs it", "Sign-in", "Must exist first"]
    runs, signs_in, exists = view.table[:3]
    assert runs.lines == (True, True, True, True, False, False, None)
    assert (runs.cell(0), runs.cell(4), runs.cell(6)) == ("its company, for everybody ✓", "you, on your machines ✗", "")
    assert [signs_in.cell(number) for number in range(7)] == [""] * 7
    assert exists.lines == (True, True, None, None, None, None, None)
    assert "Amazon ECR: Who runs it: you, on your machines ✗; Sign-in: …" in plain.text(view)
    page = render.parts(view)["quiz"]
    assert page.count('<th scope="col">') == 6
    assert page.count('<th scope="row">') == 7
    assert "Amazon ECR: a service of AWS" in page  # each wrong line is explained
    assert "Harbor: a program" not in page


# ── colors ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def luminance(color):
    """WCAG 2.2, relative luminance."""
    parts = [part / 255 for part in color]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def color(text):
    digits = text.removeprefix("#")
    return tuple(
        int(part, 16) for part in re.findall("..", digits if len(digits) == 6 else re.sub("(.)", r"\1\1", digits))
    )


@pytest.mark.parametrize(
    ("place", "back"), [(r"\.lk \{", "#fff"), (r"\.lk-dark \{", "#212121"), (r"\.lk-static \{", "#1e1e1e")]
)
def test_a_task_that_is_moving_can_be_read_at_its_palest(place, back):
    """`back` is JupyterLab's own color there (--jp-layout-color1)."""
    css = render.css()
    moving = color(re.search(place + r"[^}]*--lk-move: (#\w+)", css)[1])
    palest = float(re.search(r"@keyframes lk-moving \{ to \{ opacity: ([\d.]+)", css)[1])
    blended = tuple(palest * front + (1 - palest) * behind for front, behind in zip(moving, color(back), strict=True))
    assert contrast(blended, color(back)) >= 4.5
