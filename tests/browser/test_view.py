"""How the parts look without JupyterLab: the picture fits where it stands, at every width, in Chromium."""

import json
from functools import partial

import pytest
from driver import browser
from playwright.sync_api import expect
from world import World, solved, updating

from labkit.content import exercises
from labkit.edge.facts import registries
from labkit.lab.looking.sight import Sight
from labkit.view import compose, motion, picture, render

STATIC = render.HERE.parent / "jupyter/share/jupyter/labextensions/labkit-panel/static"

LONG = "myusername/" + "a-very-long-name-of-an-app-" * 8 + "x"


def full():
    """A lab in which everything of the course stands, with names that are longer than any box."""
    world = solved()
    world.data["engines"]["workstation"]["images"][0]["tags"] = ["myapp:latest", "myusername/myapp:v1.0.0"]
    world.pull(machine="worker1").pull(machine="worker2")
    world.image("workstation", "web", ["webapp:latest", "myusername/webapp:v1.0.0"]).put(
        "myusername/webapp", "v1.0.0", "web"
    )
    world.image("workstation", "long", [f"{LONG}:v1.0.0"]).put(LONG, "v1.0.0", "long")
    world.service("webapp", "myusername/webapp:v1.0.0", replicas=2)
    world.task(1, name="webapp", state="preparing", node="worker1")
    world.task(2, name="webapp", state="failed", node="worker2", error=f"starting container failed: {LONG}")
    return world


def seven():
    """A lab in which the sample app is in all registries of exercise 11."""
    world = solved()
    world.hold("myusername/myapp", "v1.0.0", registry="private")
    names = {
        "harbor": "myproject/myapp",
        "nexus-hosted": "myapp",
        "ecr": "myapp",
        "acr": "myapp",
        "artifact": "my-project/my-repository/myapp",
    }
    for key, name in names.items():
        world.vendor(key).hold(name, "v1.0.0", registry=key)
        world.image("workstation", "app", [f"{registries()[key].host}/{name}:v1.0.0"])
    return world


WORLDS = {"empty": World, "solved": solved, "full": full, "updating": partial(updating, 2, 3), "seven": seven}
SHOWN = {"seven": "11-registries"}
"""The exercise that is shown, where it is not 03-push."""


@pytest.fixture(scope="module")
def chromium():
    with browser() as one:
        yield one


@pytest.fixture
def shown(chromium, tmp_path, monkeypatch):
    """Shows an exercise's static view, this wide."""
    monkeypatch.setenv("LABKIT_WORK", str(tmp_path))

    def show(world, width, slug="03-push"):
        view = compose.view(compose.EXERCISE, exercises.load(slug), Sight("up", None, world.observation))
        page = chromium.new_page(viewport={"width": width, "height": 720})
        page.set_content(f"<!doctype html><body style='margin: 0'>{render.static(view)}")
        return page

    return show


def sizes(page):
    """[letters' size in pixels] of whatever has text of its own."""
    return page.evaluate(
        """() => [...document.querySelectorAll('.lk *')]
            .filter(one => [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()) && one.tagName !== 'STYLE')
            .map(one => parseFloat(getComputedStyle(one).fontSize))"""
    )


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("width", [320, 430, 560, 600, 860, 1000, 1280])
def test_nothing_overlaps_or_leaves_its_place_and_no_type_grows(shown, width, world):
    page = shown(WORLDS[world](), width, SHOWN.get(world, "03-push"))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert 12 <= min(sizes(page)) <= max(sizes(page)) <= 14
    wrong = page.evaluate(
        """() => {
            const inside = (one, other) => { const [a, b] = [one, other].map(each => each.getBoundingClientRect());
              return a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1; };
            const apart = (one, other) => { const [a, b] = [one, other].map(each => each.getBoundingClientRect());
              return a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 1 || b.bottom <= a.top + 1; };
            const every = name => [...document.querySelectorAll(name)];
            const boxes = every('.lk-box');
            return [
              ...boxes.flatMap((box, n) => boxes.slice(n + 1).filter(other => !apart(box, other)).map(() => `overlap: ${box.dataset.box}`)),
              ...boxes.filter(box => !inside(box, box.closest('.lk-picture'))).map(box => `outside: ${box.dataset.box}`),
              ...every('.lk-row, .lk-row > *').filter(one => one.getClientRects().length && !inside(one, one.closest('.lk-box'))).map(one => `outside its box: ${one.textContent}`),
            ] }"""
    )
    assert wrong == []
    page.close()


@pytest.mark.parametrize(("world", "most"), [("empty", 200), ("solved", 230), ("full", 330), ("seven", 400)])
def test_the_picture_stands_whole_above_the_checks_in_a_panel_of_560_pixels(shown, world, most):
    page = shown(WORLDS[world](), 560, SHOWN.get(world, "03-push"))
    assert page.locator(".lk-picture").bounding_box()["height"] <= most
    assert page.locator(".lk-part-checks").bounding_box()["y"] <= most + 80
    page.close()


def test_a_long_name_keeps_its_tag_in_sight(shown):
    page = shown(full(), 560)
    tag = page.locator(f"[data-name='{LONG}:v1.0.0'] .lk-end").first
    assert tag.inner_text() == ":v1.0.0"
    assert tag.evaluate("one => one.scrollWidth <= one.clientWidth + 1")
    page.close()


@pytest.mark.parametrize("width", [320, 560, 1000])
def test_while_an_update_runs_old_tasks_look_other_than_new_ones_and_their_number_is_in_sight(shown, width):
    page = shown(updating(2, 3), width)
    outline = "one => getComputedStyle(one).outlineStyle"
    looks = {
        name: page.locator(f"[data-name='{name}']").evaluate(outline) for name in ("myapp.1", "myapp.2", "myapp.3")
    }
    assert looks == {"myapp.1": "none", "myapp.2": "dashed", "myapp.3": "dashed"}
    told = page.locator(".lk-stage-cd .lk-detail")
    assert told.inner_text().endswith("1 of 3 v1.1.0, 2 still v1.0.0")
    assert told.evaluate("one => one.scrollHeight <= one.clientHeight + 1")
    page.close()


def test_focus_leaves_only_what_changed(chromium, tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_WORK", str(tmp_path))
    sight, changed = Sight("up", None, solved().observation), "registry Docker Hub/myusername/myapp:v1.0.0"
    view = compose.view(compose.EXERCISE, exercises.load("03-push"), sight, changed=frozenset({changed}))
    page = chromium.new_page(viewport={"width": 560, "height": 720})
    html = render.parts(view)["picture"]
    page.set_content(f"<style>{render.css()}</style><div class='lk'><section class='lk-part'>{html}</section></div>")
    rows = page.locator(".lk-row:visible")
    assert rows.count() > 5
    page.get_by_label("Focus on what changed").check()
    assert rows.evaluate_all("rows => rows.map(row => row.dataset.key)") == [changed]
    page.close()


# ── motion ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def moving(chromium):
    """Shows the live picture of this world with picture.js and page.js, as the panel has them."""
    opened = []

    def files(route):
        file = STATIC / route.request.url.removeprefix("http://panel.test/")
        if file.is_file():
            return route.fulfill(body=file.read_text(), content_type="text/javascript")
        style = f"<style>{render.css()}</style>"
        return route.fulfill(
            body=f"<!doctype html>{style}<div class='lk'><section class='lk-part'></section></div>",
            content_type="text/html",
        )

    def show(world, **options):
        page = chromium.new_page(viewport={"width": 560, "height": 720}, **options)
        opened.append(page)
        page.route("http://panel.test/**", files)
        page.goto("http://panel.test/")
        listen(page)
        change(page, world)
        return page

    yield show
    for page in opened:
        page.close()


def listen(page):
    """Has picture.js watch the panel, and page.js put new pictures into it."""
    page.evaluate(
        """async () => {
            window.picture = await import("/picture.js");
            const { morph } = await import("/page.js");
            window.picture.watch(document.querySelector(".lk"));
            window.show = html => morph(document.querySelector(".lk-part"), html) }"""
    )


def change(page, world):
    view = render.View(("picture",), picture=picture.picture(world.observation))
    page.evaluate("html => window.show(html)", render.parts(view)["picture"])


def moves(row):
    return row.evaluate("row => row.getAnimations().length")


def test_rows_that_come_change_and_go_stand_out(moving):
    world = World().sign_in().push()
    page = moving(world)
    assert page.evaluate("document.getAnimations().length") == 0  # nothing has happened yet
    world.service().task(1, state="preparing")
    change(page, world)
    task = page.locator("[data-name='myapp.1']")
    assert moves(task) == 1
    expect(task.locator(".lk-detail")).to_contain_text("preparing")
    world.services["myapp"]["tasks"][0]["state"] = "running"
    change(page, world)
    assert moves(task) == 2
    world.services.clear()
    change(page, world)
    expect(task).to_have_count(0)
    gone = page.locator(".lk-gone", has_text="myapp.1")
    expect(gone).to_be_attached()
    change(page, world.service("other"))  # what comes meanwhile is not mistaken for it
    expect(gone).to_have_count(0)
    expect(page.locator("[data-name='other']")).to_be_visible()
    expect(page.locator("[data-box^='worker1'] .lk-empty")).to_have_text("no task")


def flown(page, world):
    for message in motion.since(world.lab, picture.picture(world.observation), 0):
        page.evaluate(
            "message => window.picture.moved(document.querySelector('.lk'), message)", json.loads(json.dumps(message))
        )


def test_layers_travel_from_box_to_box(moving):
    world = World().sign_in().push()
    page = moving(world)
    flown(page, world)
    assert page.locator(".lk-fly").count() == 2  # its one layer, and the image's letter
    mark = page.locator("[data-box='Docker Hub'] .lk-row").first.get_attribute("data-mark")
    assert page.locator(".lk-fly.lk-mark").inner_text() == mark
    expect(page.locator(".lk-fly")).to_have_count(0)


def test_nothing_moves_where_the_reader_wants_no_motion(moving):
    world = World().sign_in().push()
    page = moving(world, reduced_motion="reduce")
    flown(page, world)
    change(page, world.service().task(1, state="preparing"))
    world.services.clear()
    change(page, world)
    assert page.locator(".lk-fly, .lk-gone").count() == 0
    assert page.evaluate("document.getAnimations().length") == 0


def test_focus_stays_as_it_was_left(moving):
    world = solved()
    page = moving(world)
    toggle = page.get_by_label("Focus on what changed")
    toggle.check()
    change(page, world.service("other"))
    expect(toggle).to_be_checked()
    page.reload()
    listen(page)
    change(page, world)
    expect(toggle).to_be_checked()
    toggle.uncheck()
    page.reload()
    listen(page)
    change(page, world)
    expect(toggle).not_to_be_checked()
