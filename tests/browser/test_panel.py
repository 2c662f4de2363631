"""What the panel promises: it is reachable for everybody, cannot be broken by names, never waits for a cell, and mends the lab."""

import json
import os
import shutil

import pytest
from axe_playwright_python.sync_playwright import Axe
from classrooms import classroom
from driver import SOON, Learner
from helpers import labkit, shell, until
from playwright.sync_api import expect


def serious(page):
    """What axe-core finds wrong with the panels, if it is serious. JupyterLab around them is not ours."""
    found = Axe().run(page, context=".lk").response["violations"]
    return [
        (one["id"], one["help"], [node["html"][:200] for node in one["nodes"]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_nothing_serious(chromium, jupyterlab, fresh, theme):
    shell(fresh, "docker login -u bob -p x; docker service create --detach --name myapp myusername/nothing")
    shell(fresh, "labkit answer 11-registries runs=caaaccc signs-in=ddddcba")
    learner = Learner(chromium, jupyterlab())
    learner.open("00-start.ipynb")
    learner.page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
    learner.unfold("doctor")
    expect(learner.part("doctor")).to_contain_text("engine")
    assert serious(learner.page) == []
    learner.open("06-practice.ipynb")
    learner.unfold("quiz")
    learner.part("quiz").locator("textarea").wait_for()
    learner.press("Explain", "tools")
    expect(learner.part("tools").locator(".lk-notice")).to_be_visible()
    learner.unfold("feed")
    expect(learner.part("feed")).to_contain_text("unknown user")
    assert serious(learner.page) == []
    learner.open("02-tag.ipynb")
    learner.unfold("quiz")
    assert serious(learner.page) == []
    learner.open("11-registries.ipynb")
    learner.unfold("quiz")
    table = learner.part("quiz").locator(".lk-table")
    expect(table).to_contain_text("a cloud, in your account ✗")
    address = table.get_by_role("rowheader", name="registry.lab:5000")
    assert address.evaluate("head => { const all = document.createRange(); all.selectNodeContents(head);"
                            " return all.getClientRects().length }") == 1, "an address is not broken"  # fmt: skip
    assert serious(learner.page) == []
    learner.page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", "JupyterLab Light"
    )
    learner.page.close()


def test_help_from_the_classroom_by_keyboard_and_screen_reader(chromium, jupyterlab, fresh, tmp_path):
    """A learner in JupyterLab whose folder has joined a classroom: what the instructor says comes into the panel and is read out;
    the hand is raised there, with the keyboard alone."""
    with classroom(tmp_path / "rooms") as here:
        joined = fresh.work / ".labkit" / "classroom"
        try:
            here.laptop(fresh.work, "ada")
            _helped(here, Learner(chromium, jupyterlab()))
        finally:
            shutil.rmtree(joined)


def _helped(here, learner):
    instructor, part, page = here.browser("instructor"), learner.part("help"), learner.page
    read_out = learner.panel.locator(".lk[data-page='01-login'] > .lk-hidden[role=status]")
    learner.open("01-login.ipynb")
    expect(part).to_contain_text("Raise my hand", timeout=15_000)
    assert part.get_attribute("aria-label") == "Help from your instructor"
    instructor.post(f"/learner/{here.number('ada')}/message", text=f"Look at {EVIL}\nthe name")
    expect(part.locator(".lk-notice")).to_contain_text(f"Look at {EVIL}", timeout=SOON)
    expect(read_out).to_contain_text("Message from instructor: Look at")
    assert page.locator(".lk-part-help img").count() == 0
    learner.into_panel("Raise my hand")
    learner.tab_to("What is it about?")
    page.keyboard.type("It says denied")
    instructor.post("/message", text="Five more minutes")
    expect(part.locator(".lk-notice")).to_have_count(2, timeout=SOON)
    expect(part.locator("input")).to_have_value("It says denied")
    expect(part.locator("input")).to_be_focused()
    assert serious(page) == []
    if shots := os.environ.get("LABKIT_SHOTS"):
        page.screenshot(path=f"{shots}/panel-light.png")
    page.keyboard.press("Enter")
    expect(part).to_contain_text("Your hand is raised", timeout=SOON)
    expect(read_out).to_contain_text("Your hand is raised.")
    assert "It says denied" in instructor.get("/board?names=shown").text
    learner.tab_to("I have read them", back=True)
    page.keyboard.press("Enter")
    expect(part.locator(".lk-notice")).to_have_count(0)
    expect(part.locator("summary")).to_contain_text("Messages of your instructor: 2")
    dark = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"
    page.evaluate(dark, "JupyterLab Dark")
    part.locator("summary").click()
    assert serious(page) == []
    if shots:
        page.screenshot(path=f"{shots}/panel-dark.png")
    page.evaluate(dark, "JupyterLab Light")
    instructor.post(f"/learner/{here.number('ada')}/lower")
    expect(part).to_contain_text("Raise my hand", timeout=SOON)
    learner.open("00-start.ipynb")
    expect(part).to_contain_text("Messages of your instructor: 2")
    assert learner.errors == []
    page.close()


EVIL = '<img src=x onerror="window.hacked=1">'
LONG = "<script>window.hacked=2</script>" * 320  # some 10 kB


def test_hostile_names_are_shown_as_text(chromium, jupyterlab, fresh):
    script = f"""
docker login -u {quoted(EVIL)} -p x
docker login -u {quoted("two" + chr(10) + "lines " + chr(0x202E) + "right to left 'quoted'")} -p x
docker login -u myusername -p mypassword
docker tag myapp:latest myusername/myapp:v1.0.0; docker push -q myusername/myapp:v1.0.0
docker service create --detach --restart-condition none --name myapp --replicas 3 myusername/myapp:v1.0.0 {quoted(EVIL + LONG)}
labkit answer 06-practice reflection={quoted(LONG)} ci={quoted(EVIL)}
"""
    shell(fresh, script)
    learner = Learner(chromium, jupyterlab())
    page = learner.page
    learner.open("05-deploy.ipynb")
    expect(learner.part("feed")).to_contain_text("an unknown user")  # what was typed for a name may be a password
    expect(learner.part("feed")).not_to_contain_text("hacked")
    expect(learner.part("picture")).to_contain_text("starting container failed", timeout=15_000)
    expect(learner.check("running")).to_contain_text("<script>window.hacked=2</script>", timeout=15_000)
    until(lambda: len(learner.picture()["services"]) == 1, "the picture is whole")
    assert page.locator(".lk script, .lk img, .lk iframe").count() == 0
    learner.open("06-practice.ipynb")
    learner.unfold("quiz")
    assert learner.part("quiz").locator("textarea").input_value() == LONG
    assert page.locator(".lk script, .lk img").count() == 0
    assert page.evaluate("window.hacked") is None
    assert learner.errors == []
    page.close()


def quoted(text):
    import shlex

    return shlex.quote(text)


def test_it_never_waits_for_a_running_cell(chromium, jupyterlab, fresh):
    learner = Learner(chromium, jupyterlab())
    page = learner.page
    learner.open("01-login.ipynb")
    cell = learner.begin("read -t 60 < <(:) ; while ! docker image inspect stop:now; do :; done > /dev/null 2>&1")
    page.keyboard.press("Shift+Enter")
    expect(cell.locator(".jp-InputPrompt")).to_have_text("[*]:")
    shell(fresh, "docker login -u nobody -p x")
    expect(learner.part("feed")).to_contain_text("unknown user", timeout=2000)
    learner.press("Hint", "checks")
    expect(learner.check("accepted").locator(".lk-hints li")).to_have_count(1, timeout=SOON)
    shell(fresh, "docker login -u myusername -p mypassword")
    learner.points("3 of 3", timeout=SOON)
    shell(fresh, "docker tag myapp:latest myusername/myapp:v1.0.0 && docker push myusername/myapp:v1.0.0")
    expect(page.locator(".lk-fly").first).to_be_attached(timeout=2000)
    until(
        lambda: [n for n, _ in learner.picture()["Docker Hub"] if "/" in n] == ["myusername/myapp:v1.0.0"],
        "it arrived",
        2,
    )
    expect(cell.locator(".jp-InputPrompt")).to_have_text("[*]:")
    shell(fresh, "docker tag myapp:latest stop:now")
    learner.ended(cell)
    page.close()


def test_the_start_page_stops_starts_and_repairs_the_lab(chromium, jupyterlab, fresh):
    from labkit.lab import find

    learner = Learner(chromium, jupyterlab())
    learner.open("00-start.ipynb")
    learner.unfold("lab")
    with fresh.engine.wire(timeout=30) as wire:
        wire.request("POST", f"/containers/{fresh.parts['worker2'].id}/kill")
    expect(learner.part("notice")).to_contain_text("Not running: worker2")
    expect(learner.part("lab")).to_contain_text("✗ worker2 exited")
    learner.press("Repair the lab", "notice")
    expect(learner.part("lab")).to_contain_text("✓ worker2 running", timeout=60_000)
    expect(learner.part("notice").locator(".lk-notice:visible")).to_have_count(0, timeout=30_000)
    learner.press("Stop", "lab")
    learner.press("Really stop the lab?", "lab")
    expect(learner.part("notice").get_by_role("progressbar")).to_be_visible()
    expect(learner.part("notice")).to_contain_text("The lab is not running.", timeout=60_000)
    assert find.any_engine() is None
    expect(learner.part("lab").get_by_role("button", name="Stop")).to_be_disabled()
    learner.press("Start", "lab")
    expect(learner.part("lab")).to_contain_text("✓ workstation running", timeout=60_000)
    assert learner.errors == []
    learner.page.close()

    # JupyterLab is started anew: everything is right, and no cell is run.
    from labkit.jupyter import server as jupyter

    jupyter.stop()
    labkit("up", "--detach", check=0)
    again = Learner(chromium, jupyterlab())
    again.open("05-deploy.ipynb")
    again.points("0 of 5")
    expect(again.part("notice").locator(".lk-notice:visible")).to_have_count(0, timeout=30_000)
    again.page.close()


@pytest.mark.parametrize("width", [320, 1280])
def test_static_html_fits(chromium, fresh, width, tmp_path):
    """Without widgets: the same as HTML, at the width of a telephone too, and nothing to click that does not work."""
    from labkit.content import exercises
    from labkit.lab.looking import watch
    from labkit.view import compose, render

    shell(fresh, "docker login -u myusername -p mypassword; docker tag myapp:latest myusername/myapp:v1.0.0")
    html = render.static(compose.view(compose.EXERCISE, exercises.load("03-push"), watch.look()))
    page = chromium.new_page(viewport={"width": width, "height": 800})
    page.set_content(f"<!doctype html><html lang=en><title>x</title><main>{html}</main>")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("button").count() == 0
    assert page.locator("[data-name='myusername/myapp:v1.0.0']").count() == 1
    assert "myusername/myapp:v1.0.0" in page.get_by_role("img").first.get_attribute("aria-label")
    assert json.dumps(serious(page)) == "[]"
    page.close()
