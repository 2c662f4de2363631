#!/usr/bin/env python3
"""Makes the documents' screenshots, driven as people drive them: a lab with JupyterLab, and the simulated class.

.venv/bin/python docs/screenshots.py [lesson | classroom]
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SIZES = {"panel": (1280, 720), "mistake": (1280, 720), "board": (1280, 960), "mark": (1280, 960)}
"""Of the pictures, in pixels."""
SPEED = 60
"""So much faster than a real hour the class is played."""


def labkit(*words):
    return subprocess.run([sys.executable, "-m", "labkit", *words], capture_output=True, text=True, check=True).stdout


def main():
    wanted = sys.argv[1:] or list(PARTS)
    with tempfile.TemporaryDirectory(prefix="labkit-screenshots-") as scratch:
        os.environ |= {
            "LABKIT_LAB": f"labshots-{os.getpid()}",
            "XDG_STATE_HOME": f"{scratch}/state",
            "LABKIT_WORK": f"{scratch}/registry-lab",
            "PYTHONPATH": str(ROOT),
        }
        sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]
        for part in wanted:
            PARTS[part]()


def place(name):
    return ROOT / "docs" / "images" / f"{name}.png"


def shoot(page, name):
    file = place(name)
    width, height = SIZES[name]
    page.set_viewport_size({"width": width, "height": height})
    page.screenshot(path=file, animations="disabled")
    print(f"wrote {file}")


def lesson():
    from driver import Learner, browser

    labkit("up", "--detach")
    try:
        with browser() as chromium:
            learner = Learner(chromium, json.loads(labkit("status", "--json"))["jupyter"], *SIZES["panel"])
            mistake(learner)
            panel(learner)
    finally:
        labkit("down")


def mistake(learner):
    """A push that was refused: docker's message and what it means in the notebook, why in the checks, and a hint."""
    learner.open("03-push.ipynb")
    learner.type("docker push myapp:latest")
    learner.press("Hint", "checks")
    learner.part("checks").locator(".lk-hints li").wait_for()
    shoot(learner.page, "mistake")


def panel(learner):
    """The lesson done: the notebook, and beside it one image from where it was built to where it runs."""
    learner.open("03-push.ipynb")
    learner.type("docker login -u myusername -p mypassword\ndocker tag myapp:latest myusername/myapp:v1.0.0")
    learner.type("docker push myusername/myapp:v1.0.0")
    learner.open("05-deploy.ipynb")
    learner.type("docker service create --name myapp --replicas 3 myusername/myapp:v1.0.0")
    learner.points("5 of 5")
    shoot(learner.page, "panel")


def classroom():
    """Thirty learners in the middle of their class: the board, and what one of them has done of an exercise."""
    from driver import browser

    words = ("classroom", "demo", "--learners", "30", "--speed", str(SPEED), "--port", "0", "--json")
    with subprocess.Popen([sys.executable, "-m", "labkit", *words], stdout=subprocess.PIPE, text=True) as demo:
        try:
            told = json.loads("".join(iter(demo.stdout.readline, "}\n")) + "}")
            with browser() as chromium:
                page = chromium.new_page(ignore_https_errors=True, bypass_csp=True)
                page.goto(told["instructor"])
                page.get_by_role("button", name="Sign in").click()
                page.wait_for_function(PUSHED, timeout=3600_000 / SPEED)
                shoot(page, "board")
                page.locator("table.board td.here a").first.click()
                page.get_by_role("region", name="Checks").wait_for()
                shoot(page, "mark")
        finally:
            demo.terminate()


PUSHED = "parseInt(document.querySelectorAll('.steps li')[2].innerText) >= 8"
"""Eight of the class have done 03."""

PARTS = {"lesson": lesson, "classroom": classroom}

if __name__ == "__main__":
    main()
