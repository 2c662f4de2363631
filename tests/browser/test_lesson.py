"""The whole lesson in JupyterLab at 1280 × 720, as a learner does it: with the mouse, mistakes included, and with the keyboard
alone. After each command, what it changed in the picture and the verdicts are in sight; nobody scrolled for it."""

from driver import SOON, Learner
from helpers import labkit, until
from playwright.sync_api import expect

from labkit.lab.looking.observe import observe
from labkit.seen.lab import SeenLab

IMAGE = "myusername/myapp:v1.0.0"
WEB = "myusername/webapp:v1.0.0"
PRACTICE = (
    (f"docker tag myusername/webapp {WEB}", "tagged", "workstation", WEB),
    (f"docker push {WEB}", "pushed", "Docker Hub", WEB),
    (f"docker --context worker2 pull {WEB}", "pulled_elsewhere", "worker2", f"has {WEB}"),
    (f"docker service create --detach --name webapp --replicas 3 {WEB}", "deployed", "services", "webapp"),
)
"""Commands of the practice, each with the check that passes by it, and what it changes in the picture: box and row."""


def now():
    """The lab as it is, whether or not it was started anew."""
    from labkit.lab import find

    return find.current()


def same_picture(learner):
    """The picture against the true state: every image, tag, service and task that is there, and one letter an image."""
    seen = SeenLab(observe(now()))
    hub = seen.registries["hub"]
    drawn = learner.picture()
    assert {name for name, _ in drawn["workstation"]} == set(seen.workstation.tags), drawn
    held = {f"{name.removeprefix('library/')}:{tag}" for name in hub.repositories for tag in hub.tags(name)}
    assert {name for name, _ in drawn["Docker Hub"]} == held
    assert {name for name, _ in drawn["services"]} == set(seen.swarm.services)
    for service in seen.swarm.services.values():
        for task in service.running:
            box = next(rows for title, rows in drawn.items() if title.startswith(f"{task.node} ·"))
            assert f"{service.name}.{task.slot}" in {name for name, _ in box}, (task, drawn)
    letters = {letter for rows in drawn.values() for name, letter in rows if IMAGE in name}
    assert len(letters) <= 1, drawn


def true(learner):
    """Waits until the picture is true."""

    def look():
        try:
            same_picture(learner)
        except (AssertionError, StopIteration):
            return False
        return True

    try:
        until(look, "the picture is true", 5)
    except AssertionError:
        same_picture(learner)  # says what differs


def done(learner, points, *rows, timeout=SOON):
    """Waits until a command counts, then asserts that what it changed and each verdict can be seen, and that it is all true."""
    learner.points(points, timeout=timeout)
    true(learner)
    learner.in_sight(*(learner.row(*row) for row in rows), learner.part("checks").locator(".lk-sum").first)
    learner.in_sight(*learner.part("checks").locator(".lk-check .lk-state").all())


def passed(learner, check, row):
    """Waits until this check passes, then asserts that its verdict and that row of the picture can be seen."""
    expect(learner.check(check)).to_contain_class("lk-passed", timeout=20_000)
    learner.row(*row).wait_for()
    learner.in_sight(learner.row(*row), learner.check(check).locator(".lk-state"))


def test_the_whole_lesson_with_the_mouse(chromium, jupyterlab, fresh):
    learner = Learner(chromium, jupyterlab())
    page = learner.page

    # The start page: no cell is run; the course, the lab, what doctor found.
    learner.open("00-start.ipynb")
    learner.unfold("lab")
    learner.unfold("doctor")
    expect(learner.part("lab")).to_contain_text("✓ worker2 running")
    expect(learner.part("doctor")).to_contain_text("✓ good · engine")
    learner.follow("01-login.ipynb", "course")

    # 01: a mistake, which the panel tells, explains and hints at; Check answers each time.
    learner.points("0 of 3")
    learner.type("docker login -u myusername -p password")
    expect(learner.check("accepted")).to_contain_text("the password was wrong")
    learner.in_sight(learner.check("accepted").locator(".lk-state"))
    learner.unfold("feed")
    expect(learner.part("feed").locator("li").first).to_contain_text("wrong password")
    learner.press("Explain the last error")
    expect(learner.part("tools")).to_contain_text("incorrect username or password")
    learner.press("Hint", "checks")
    expect(learner.check("accepted").locator(".lk-hints li")).to_have_count(1)
    learner.check("accepted").get_by_text("Why?").click()
    expect(learner.check("accepted")).to_contain_text("These accounts exist only in this lab")
    learner.press("Check", "checks")
    expect(learner.part("checks")).to_contain_text("0 of 3 points.")
    learner.type("docker login -u myusername -p mypassword")
    learner.points("3 of 3", timeout=SOON)
    expect(learner.part("checks")).not_to_contain_text("0 of 3 points.")
    expect(learner.part("tools")).not_to_contain_text("incorrect username or password")  # it holds no longer
    learner.press("Check", "checks")
    expect(page.get_by_role("status").filter(has_text="3 of 3 points.")).to_have_count(1)
    expect(learner.part("checks")).to_contain_text("3 of 3 points.")
    learner.part("checks").get_by_text("Reference solution").click()
    expect(learner.part("checks").locator("pre")).to_contain_text("docker login")
    true(learner)

    # 02, and a quiz of the kind that is matched.
    learner.follow("02-tag.ipynb", "checks")
    learner.type(f"docker tag myapp:latest {IMAGE}")
    done(learner, "3 of 3", ("workstation", IMAGE))
    learner.unfold("quiz")
    quiz = learner.part("quiz")
    for number, letter in enumerate("cbda"):
        quiz.locator("select").nth(number).select_option(letter)
    quiz.get_by_role("button", name="Answer").click()
    expect(quiz).to_contain_text("✓ Right.")

    # 03, with the kernel restarted in the middle: the panel does not notice.
    learner.follow("03-push.ipynb", "checks")
    learner.type("docker push myapp:latest")
    expect(learner.check("in_hub")).to_contain_text("library/")
    learner.in_sight(learner.check("in_hub").locator(".lk-state"))
    learner.restart_kernel()
    expect(learner.check("in_hub")).to_contain_text("library/")
    learner.type(f"docker push {IMAGE}")
    done(learner, "4 of 4", ("Docker Hub", IMAGE))
    learner.unfold("quiz")
    quiz = learner.part("quiz")
    for letter in "ac":
        quiz.locator(f"input[value={letter}]").check()
    quiz.get_by_role("button", name="Answer").click()
    expect(quiz).to_contain_text("✗ Not right yet.")
    quiz.locator("input[value=d]").check()
    quiz.get_by_role("button", name="Answer").click()
    expect(quiz).to_contain_text("✓ Right.")

    # The page is loaded anew: no cell is run, and the panel is there.
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    learner.reload("03-push.ipynb")
    learner.points("4 of 4")
    true(learner)

    # 04, on the workstation, and on another machine with %%on.
    learner.follow("04-pull.ipynb", "checks")
    learner.type(f"docker pull {IMAGE}")
    done(learner, "3 of 3", ("workstation", IMAGE))
    output = learner.type(f"hostname; docker pull -q {IMAGE}; false", first="%%on worker1\n# Type \n")
    assert "worker1" in output
    assert f"docker.io/{IMAGE}" in output
    assert "exit status 1" in output
    true(learner)
    learner.in_sight(learner.row("worker1", f"has {IMAGE}"))

    # 05: while the Swarm converges the panel says so, and goes on by itself.
    learner.follow("05-deploy.ipynb", "checks")
    learner.type(f"docker service create --detach --name myapp --replicas 3 {IMAGE}")
    done(learner, "5 of 5", ("services", "myapp"), timeout=15_000)
    learner.in_sight(learner.panel.get_by_role("link", name="Open myapp’s page"))
    line = learner.cell("docker service create --detach").locator(".cm-scroller")
    assert line.evaluate("one => one.scrollWidth <= one.clientWidth"), "a long command is wrapped"
    learner.unfold("quiz")
    quiz = learner.part("quiz")
    for text, ups in (("CI builds", 1), ("CI pushes", 2), ("You create", 2), ("The manager", 1)):
        for _ in range(ups):
            quiz.get_by_role("button", name=f"Up: {text}").click()
    quiz.get_by_role("button", name="Answer").click()
    expect(quiz).to_contain_text("✓ Right.")

    # The lab is stopped and started: the panel says so, offers it, and shows the new one.
    stopped = labkit("down", "--keep-jupyter", check=0)
    assert "gone" in stopped.stdout
    expect(learner.part("notice")).to_contain_text("The lab is not running.")
    learner.press("Start the lab", "notice")
    expect(learner.part("notice").get_by_role("progressbar")).to_be_visible()
    learner.points("0 of 5", timeout=60_000)
    expect(learner.part("notice").locator(".lk-notice:visible")).to_have_count(0, timeout=30_000)
    true(learner)

    # 06: the practice from the beginning, on the new lab.
    learner.follow("06-practice.ipynb", "course")
    learner.type(DOCKERFILE, 0)
    learner.type("docker login -u myusername -p mypassword\ndocker build -t myusername/webapp 06-practice", 1)
    learner.in_sight(learner.row("workstation", "myusername/webapp:latest"))
    for cell, (command, check, *row) in enumerate(PRACTICE, 2):
        learner.type(command, cell)
        passed(learner, check, row)
    learner.unfold("quiz")
    quiz = learner.part("quiz")
    for name, letter in (("ci", "b"), ("version", "c"), ("automation", "a")):
        form = quiz.locator(f"form[data-quiz={name}]")
        form.locator(f"input[value={letter}]").check()
        form.get_by_role("button", name="Answer").click()
        expect(form).to_contain_text("✓ Right.")
    quiz.locator("textarea").fill(
        "A registry keeps tested images under one name, so that every machine, every colleague and every pipeline "
        "can fetch exactly the same digest without help."
    )
    expect(quiz).to_contain_text("25 words")
    learner.points("13 of 13", timeout=20_000)
    expect(learner.part("checks")).to_contain_text("Exercise complete. Next: Versions")
    true(learner)
    assert learner.errors == []
    page.close()


def test_the_whole_lesson_with_the_keyboard_alone(chromium, jupyterlab, fresh):
    learner = Learner(chromium, jupyterlab())
    page, keys = learner.page, learner.page.keyboard
    learner.open("00-start.ipynb")
    learner.into_panel("Log in")
    learner.shown("01-login.ipynb")
    learner.write(0, "docker login -u nobody -p mypassword")
    learner.into_panel("Hint for: Docker Hub accepted")
    expect(learner.check("accepted").locator(".lk-hints li")).to_have_count(1)
    learner.into_panel("Explain the last error")
    expect(learner.part("tools")).to_contain_text("Here: Docker Hub has no account with the user name that you typed")
    learner.into_notebook()
    learner.into_panel("Reset")
    expect(page.get_by_role("status").filter(has_text="Press again")).to_have_count(1)
    keys.press("Enter")
    expect(learner.check("accepted")).to_contain_text("no sign-in")
    learner.write(0, "docker login -u myusername -p mypassword")
    learner.points("3 of 3", timeout=SOON)

    # The kernel is restarted (0, 0 and Enter, JupyterLab's own keys): the panel goes on.
    keys.press("Escape")
    keys.press("0")
    keys.press("0")
    page.locator(".jp-Dialog").wait_for()
    keys.press("Enter")
    page.locator(".jp-Dialog").wait_for(state="detached")
    learner.shown("01-login.ipynb")
    learner.points("3 of 3")

    # Saved with JupyterLab's key, and loaded anew, which is the browser's.
    keys.press("Escape")
    keys.press("Control+s")
    page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty")
    learner.reload("01-login.ipynb")
    done(learner, "3 of 3")

    for slug, command, points, row in (
        ("02-tag", f"docker tag myapp:latest {IMAGE}", "3 of 3", ("workstation", IMAGE)),
        ("03-push", f"docker push {IMAGE}", "4 of 4", ("Docker Hub", IMAGE)),
        ("04-pull", f"docker pull {IMAGE}", "3 of 3", ("workstation", IMAGE)),
        ("05-deploy", f"docker service create --name myapp --replicas 3 {IMAGE}", "5 of 5", ("services", "myapp")),
    ):
        learner.into_panel("Next: ")
        learner.shown(f"{slug}.ipynb")
        learner.write(0, command)
        done(learner, points, row, timeout=15_000)
        learner.into_panel("Check")
        expect(page.get_by_role("status").filter(has_text=f"{points} points.")).to_have_count(1)

    learner.into_panel("Next: ")
    learner.shown("06-practice.ipynb")
    learner.write(0, *DOCKERFILE.splitlines())
    learner.write(1, "docker build -t myusername/webapp 06-practice")
    for cell, (command, check, *row) in enumerate(PRACTICE, 2):
        learner.write(cell, command)
        passed(learner, check, row)
    learner.into_panel("Check")
    learner.unfold_here("quiz")
    learner.choose("ci", "It builds and tests the image")
    learner.choose("version", "Both deploy a version tag")
    learner.choose("automation", "Every machine can fetch")
    learner.tab_to("How does a registry help")
    keys.insert_text(
        "A registry holds what was tested under a name, so every machine and every person fetches the same image. " * 2
    )
    learner.points("13 of 13", timeout=20_000)
    true(learner)
    assert learner.errors == []
    page.close()


DOCKERFILE = """cat > 06-practice/Dockerfile <<'END'
FROM busybox
COPY index.html /www/index.html
CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]
END"""


def test_terminals_say_which_machine_and_ask_for_a_password(chromium, jupyterlab, fresh):
    learner = Learner(chromium, jupyterlab())
    page = learner.page
    learner.open("00-start.ipynb")
    learner.press("Terminal: worker1", "tools")
    said = screen(page)
    until(lambda: "worker1 (lab)" in said(), "the prompt of worker1", 20)
    learner.press("Terminal: workstation", "tools")
    until(lambda: said().strip().startswith("workstation"), "the prompt of the workstation", 20)
    page.keyboard.type("pwd; echo $((6 * 7))\n")
    until(lambda: "42" in said(), "the answer", 20)
    assert f"\n{fresh.work}\n" in said(), "terminals open in the learner's folder"
    page.keyboard.type("docker login -u myusername\n")
    until(lambda: "Password:" in said(), "docker login asks", 20)
    page.keyboard.type("mypassword\n")
    until(lambda: "Login Succeeded" in said(), "the sign-in", 20)
    assert "mypassword" not in said()
    assert learner.panel.is_visible(), "terminals open beside the panel, not over it"
    assert learner.errors == []
    page.close()


def screen(page):
    """What the terminal before us shows."""

    def read():
        return page.evaluate(
            """() => { const term = window.jupyterapp.shell.currentWidget?.content?._term; if (!term) return '';
                 const lines = term.buffer.active; const out = [];
                 for (let n = 0; n < lines.length; n++) out.push(lines.getLine(n).translateToString(true));
                 return out.join('\\n') }"""
        )

    return read
