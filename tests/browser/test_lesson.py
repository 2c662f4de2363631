"""The whole lesson in JupyterLab, as a learner does it: first with the mouse, mistakes included, then with the keyboard alone."""

from driver import SOON, Learner
from helpers import labkit, until
from playwright.sync_api import expect

from labkit.lab.looking.observe import observe
from labkit.seen.lab import SeenLab


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
    letters = {}
    for rows in drawn.values():
        for name, letter in rows:
            if "/myapp:v1.0.0" in name:
                letters.setdefault("myapp", set()).add(letter)
    assert all(len(one) == 1 for one in letters.values()), letters


def true(learner, what="the picture is true"):
    def look():
        try:
            same_picture(learner)
        except (AssertionError, StopIteration):
            return False
        return True

    try:
        until(look, what, 5)
    except AssertionError:
        same_picture(learner)  # says what differs


def test_the_whole_lesson_with_the_mouse(chromium, jupyterlab, fresh):
    learner = Learner(chromium, jupyterlab())
    page = learner.page

    # The start page: the map of the course, the lab, what doctor found.
    learner.open("00-start.ipynb")
    learner.run(learner.cell("import start"))
    expect(learner.part("lab")).to_contain_text("✓ worker2 running")
    expect(learner.part("doctor")).to_contain_text("✓ good · engine")
    learner.press("01-login Log in", "course")
    learner.shown("01-login.ipynb")

    # 01: a mistake, which the panel tells, explains and hints at; the check is clicked.
    learner.panel()
    learner.points("0 of 3")
    learner.type("docker login -u myusername -p password")
    expect(learner.check("accepted")).to_contain_text("the password was wrong")
    expect(learner.part("feed").locator("li").first).to_contain_text("wrong password")
    learner.press("Explain the last error")
    expect(learner.part("tools")).to_contain_text("incorrect username or password")
    expect(learner.part("tools")).to_contain_text("Here: Docker Hub knows myusername")
    learner.press("Hint", "checks")
    expect(learner.check("accepted").locator(".lk-hints li")).to_have_count(1)
    learner.check("accepted").get_by_text("Why?").click()
    expect(learner.check("accepted")).to_contain_text("made up")
    learner.type("docker login -u myusername -p mypassword")
    learner.points("3 of 3", timeout=SOON)
    learner.press("Check", "checks")
    expect(page.get_by_role("status").filter(has_text="3 of 3 points.")).to_have_count(1)
    learner.part("checks").get_by_text("Reference solution").click()
    expect(learner.part("checks").locator("pre")).to_contain_text("docker login")
    true(learner)

    # 02, and a quiz of the kind that is matched.
    learner.press("Next: 02-tag.ipynb")
    learner.shown("02-tag.ipynb")
    learner.panel()
    learner.type("docker tag myapp:latest myusername/myapp:v1.0.0")
    learner.points("3 of 3", timeout=SOON)
    true(learner)
    learner.run(learner.cell("import quiz"))
    quiz = learner.part("quiz")
    for number, letter in enumerate("cbda"):
        quiz.locator("select").nth(number).select_option(letter)
    quiz.get_by_role("button", name="Answer").click()
    expect(quiz).to_contain_text("✓ Right.")

    # 03, with the kernel restarted in the middle: right again after one cell.
    learner.press("Next: 03-push.ipynb")
    learner.shown("03-push.ipynb")
    learner.panel()
    learner.type("docker push myapp:latest")
    expect(learner.check("in-hub")).to_contain_text("library/")
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    learner.shown("03-push.ipynb")
    learner.panel()
    expect(learner.check("in-hub")).to_contain_text("library/")
    learner.type("docker push myusername/myapp:v1.0.0")
    learner.points("4 of 4", timeout=SOON)
    true(learner)
    learner.run(learner.cell("import quiz"))
    quiz = learner.part("quiz")
    for letter in "ac":
        quiz.locator(f"input[value={letter}]").check()
    quiz.get_by_role("button", name="Answer").click()
    expect(quiz).to_contain_text("✗ Not right yet.")
    quiz.locator("input[value=d]").check()
    quiz.get_by_role("button", name="Answer").click()
    expect(quiz).to_contain_text("✓ Right.")

    # The browser is loaded anew: the same kernel, and the panel is right after one cell.
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    learner.reload("03-push.ipynb")
    learner.panel()
    learner.points("4 of 4")
    true(learner)

    # 04, on the workstation, and on another machine with %%on.
    learner.press("Next: 04-pull.ipynb")
    learner.shown("04-pull.ipynb")
    learner.panel()
    learner.type("docker pull myusername/myapp:v1.0.0")
    learner.points("3 of 3", timeout=SOON)
    learner.cell("Type your commands").locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("%%on worker1\nhostname; docker pull -q myusername/myapp:v1.0.0; false")
    learner.run(learner.cell("%%on worker1"))
    output = learner.cell("%%on worker1").locator(".jp-Cell-outputArea")
    expect(output).to_contain_text("worker1")
    expect(output).to_contain_text("docker.io/myusername/myapp:v1.0.0")
    expect(output).to_contain_text("exit status 1")
    true(learner)

    # 05: while the Swarm converges the panel says so, and goes on by itself.
    learner.press("Next: 05-deploy.ipynb")
    learner.shown("05-deploy.ipynb")
    learner.panel()
    learner.type("docker service create --detach --name myapp --replicas 3 myusername/myapp:v1.0.0")
    learner.points("5 of 5", timeout=15_000)
    true(learner)
    learner.run(learner.cell("import quiz"))
    quiz = learner.part("quiz")
    for text, ups in (("CI builds", 1), ("CI pushes", 2), ("A service is created", 2)):
        for _ in range(ups):
            quiz.get_by_role("button", name=f"Up: {text}").click()
    quiz.get_by_role("button", name="Up: The manager").click()
    quiz.get_by_role("button", name="Answer").click()
    expect(quiz).to_contain_text("✓ Right.")

    # The lab is stopped and started: the panel says so, offers it, and shows the new one.
    stopped = labkit("down", "--keep-jupyter", check=0)
    assert "gone" in stopped.stdout
    expect(learner.part("notice")).to_contain_text("The lab is not running.")
    learner.press("Start the lab", "notice")
    expect(learner.part("notice").get_by_role("progressbar")).to_be_visible()
    learner.points("0 of 5", timeout=60_000)
    expect(learner.part("notice")).to_be_empty(timeout=30_000)
    true(learner)
    expect(learner.part("course")).to_contain_text("was done")

    # 06: the practice from the beginning, on the new lab.
    learner.press("06-practice", "course")
    learner.shown("06-practice.ipynb")
    learner.panel()
    learner.type(DOCKERFILE, 0)
    learner.type("docker login -u myusername -p mypassword\ndocker build -t myusername/webapp 06-practice", 1)
    learner.type("docker tag myusername/webapp myusername/webapp:v1.0.0", 2)
    learner.type("docker push myusername/webapp:v1.0.0", 3)
    learner.type("docker --context worker2 pull myusername/webapp:v1.0.0", 4)
    learner.type("docker service create --detach --name webapp --replicas 3 myusername/webapp:v1.0.0", 5)
    learner.run(learner.cell("import quiz"))
    quiz = learner.part("quiz")
    for name, letter in (("ci", "b"), ("version", "c"), ("automation", "a")):
        form = quiz.locator(f"form[data-quiz={name}]")
        form.locator(f"input[value={letter}]").check()
        form.get_by_role("button", name="Answer").click()
        expect(form).to_contain_text("✓ Right.")
    expect(quiz).to_contain_text("What your instructor looks for")
    quiz.locator("textarea").fill(
        "A registry keeps tested images under one name, so that every machine, every colleague and every pipeline "
        "can fetch exactly the same digest without help."
    )
    expect(quiz).to_contain_text("25 words, kept")
    learner.points("13 of 13", timeout=20_000)
    true(learner)
    assert learner.errors == []
    page.close()


def test_the_whole_lesson_with_the_keyboard_alone(chromium, jupyterlab, fresh):
    learner = Learner(chromium, jupyterlab())
    page, keys = learner.page, learner.page.keyboard
    learner.open("00-start.ipynb")
    learner.run_here()
    learner.run_here()
    expect(learner.part("course")).to_contain_text("01-login")
    learner.tab_to("01-login", back=True)
    keys.press("Enter")
    learner.shown("01-login.ipynb")
    learner.begin()
    learner.write(0, "docker login -u nobody -p mypassword")
    learner.into_panel("Hint for: Docker Hub accepted")
    expect(learner.check("accepted").locator(".lk-hints li")).to_have_count(1)
    learner.into_panel("Explain the last error")
    expect(learner.part("tools")).to_contain_text("Here: Docker Hub has no account of the name that you typed")
    learner.into_panel("Reset")
    expect(page.get_by_role("status").filter(has_text="Press again")).to_have_count(1)
    keys.press("Enter")
    expect(learner.check("accepted")).to_contain_text("has seen no sign-in")
    learner.write(0, "docker login -u myusername -p mypassword")
    learner.points("3 of 3", timeout=SOON)

    # The kernel is restarted (0, 0 and Enter, JupyterLab's own keys), and the panel is right after one cell.
    keys.press("Escape")
    learner.select("import panel")
    keys.press("0")
    keys.press("0")
    page.locator(".jp-Dialog").wait_for()
    keys.press("Enter")
    page.locator(".jp-Dialog").wait_for(state="detached")
    learner.shown("01-login.ipynb")
    learner.select("import panel")
    learner.run_here()
    learner.points("3 of 3")

    # Saved with JupyterLab's key, and loaded anew, which is the browser's.
    keys.press("Escape")
    keys.press("Control+s")
    page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty")
    learner.reload("01-login.ipynb")
    learner.select("import panel")
    learner.run_here()
    learner.points("3 of 3")

    # The lab is stopped and started from the start page.
    learner.into_panel("Start page")
    learner.shown("00-start.ipynb")
    learner.select("import start")
    learner.run_here()
    learner.part("lab").wait_for()
    learner.tab_to("Stop", back=True)
    keys.press("Enter")
    keys.press("Enter")
    expect(learner.part("notice")).to_contain_text("The lab is not running.", timeout=60_000)
    learner.tab_to("Start the lab", back=True)
    keys.press("Enter")
    expect(learner.part("lab")).to_contain_text("✓ workstation running", timeout=60_000)
    expect(learner.part("notice")).to_be_empty(timeout=30_000)
    learner.tab_to("01-login", back=True)
    keys.press("Enter")
    learner.shown("01-login.ipynb")
    learner.points("0 of 3")
    learner.write(0, "docker login -u myusername -p mypassword")
    learner.points("3 of 3", timeout=SOON)

    for slug, command, points in (
        ("02-tag", "docker tag myapp:latest myusername/myapp:v1.0.0", "3 of 3"),
        ("03-push", "docker push myusername/myapp:v1.0.0", "4 of 4"),
        ("04-pull", "docker pull myusername/myapp:v1.0.0", "3 of 3"),
        ("05-deploy", "docker service create --name myapp --replicas 3 myusername/myapp:v1.0.0", "5 of 5"),
    ):
        learner.into_panel(f"Next: {slug}.ipynb")
        learner.shown(f"{slug}.ipynb")
        learner.begin()
        learner.write(0, command)
        learner.points(points, timeout=15_000)
        learner.into_panel("Check")
        expect(page.get_by_role("status").filter(has_text=f"{points} points.")).to_have_count(1)
        true(learner)

    learner.into_panel("Next: 06-practice.ipynb")
    learner.shown("06-practice.ipynb")
    learner.begin()
    learner.write(0, *DOCKERFILE.splitlines())
    learner.write(1, "docker build -t myusername/webapp 06-practice")
    learner.write(2, "docker tag myusername/webapp myusername/webapp:v1.0.0")
    learner.write(3, "docker push myusername/webapp:v1.0.0")
    learner.write(4, "docker --context worker1 pull myusername/webapp:v1.0.0")
    learner.write(5, "docker service create --detach --name webapp --replicas 3 myusername/webapp:v1.0.0")
    keys.press("Escape")
    learner.select("import quiz")
    learner.run_here()
    learner.part("quiz").wait_for()
    keys.press("Escape")
    learner.select("Without buttons above")
    learner.tab_to("How does a registry help", back=True)
    keys.insert_text(
        "A registry holds what was tested under a name, so every machine and every person fetches the same image. " * 2
    )
    learner.choose("automation", "Every machine can fetch")
    learner.choose("version", "A version tag that nobody moves")
    learner.choose("ci", "It builds and tests it")
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
    learner.run(learner.cell("import start"))
    learner.press("Terminal: worker1")
    said = screen(page)
    until(lambda: "worker1 (lab)" in said(), "the prompt of worker1", 20)
    learner.page.evaluate("window.jupyterapp.commands.execute('docmanager:open', {path: '00-start.ipynb'})")
    learner.shown("00-start.ipynb")
    learner.press("Terminal: workstation")
    until(lambda: said().strip().startswith("workstation"), "the prompt of the workstation", 20)
    page.keyboard.type("docker login -u myusername\n")
    until(lambda: "Password:" in said(), "docker login asks", 20)
    page.keyboard.type("mypassword\n")
    until(lambda: "Login Succeeded" in said(), "the sign-in", 20)
    assert "mypassword" not in said()
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
