#!/usr/bin/env python3
"""Makes the README's screenshots: a lab, JupyterLab and Chromium, driven as a learner drives them.

.venv/bin/python docs/screenshots.py
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRATCH = Path(tempfile.mkdtemp(prefix="labkit-screenshots-"))
SIZE = (1360, 900)
IMAGES = {name: ROOT / "docs" / "images" / f"{name}.png" for name in ("picture", "mistake")}


def labkit(*words):
    return subprocess.run([sys.executable, "-m", "labkit", *words], capture_output=True, text=True, check=True).stdout


def main():
    os.environ |= {
        "LABKIT_LAB": f"labshots-{os.getpid()}",
        "XDG_STATE_HOME": str(SCRATCH / "state"),
        "LABKIT_WORK": str(SCRATCH / "registry-lab"),
        "PYTHONPATH": str(ROOT),
    }
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]
    from driver import Learner, browser

    labkit("up", "--detach")
    try:
        with browser() as chromium:
            learner = Learner(chromium, json.loads(labkit("status", "--json"))["jupyter"], *SIZE)
            mistake(learner)
            picture(learner)
    finally:
        labkit("down")
    for file in IMAGES.values():
        print(f"wrote {file}")


def shoot(learner, name, part):
    learner.page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
    learner.part(part).evaluate("part => part.scrollIntoView({block: 'start'})")
    learner.page.screenshot(path=IMAGES[name], animations="disabled")
    learner.page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")


def mistake(learner):
    """A push that was refused: why, as the check, the explanation and the access log tell it."""
    learner.open("03-push.ipynb")
    learner.panel()
    learner.type("docker login -u myusername -p mypassword\ndocker push myapp:latest")
    learner.press("Explain the last error")
    learner.part("tools").get_by_text("Here:").wait_for()
    learner.press("Hint", "checks")
    learner.check("in-hub").locator(".lk-hints li").wait_for()
    shoot(learner, "mistake", "checks")


def picture(learner):
    """The lesson done: one image, from where it was built to where it runs."""
    learner.type("docker tag myapp:latest myusername/myapp:v1.0.0\ndocker push myusername/myapp:v1.0.0")
    learner.open("05-deploy.ipynb")
    learner.panel()
    learner.type("docker service create --name myapp --replicas 3 myusername/myapp:v1.0.0")
    learner.points("5 of 5")
    shoot(learner, "picture", "picture")


if __name__ == "__main__":
    main()
