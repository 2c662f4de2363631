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
SIZE = (1280, 720)
IMAGES = {name: ROOT / "docs" / "images" / f"{name}.png" for name in ("panel", "mistake")}


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
            panel(learner)
    finally:
        labkit("down")
    for file in IMAGES.values():
        print(f"wrote {file}")


def shoot(learner, name):
    learner.page.screenshot(path=IMAGES[name], animations="disabled")


def mistake(learner):
    """A push that was refused: docker's message and what it means in the notebook, why in the checks, and a hint."""
    learner.open("03-push.ipynb")
    learner.type("docker push myapp:latest")
    learner.press("Hint", "checks")
    learner.part("checks").locator(".lk-hints li").wait_for()
    shoot(learner, "mistake")


def panel(learner):
    """The lesson done: the notebook, and beside it one image from where it was built to where it runs."""
    learner.open("03-push.ipynb")
    learner.type("docker login -u myusername -p mypassword\ndocker tag myapp:latest myusername/myapp:v1.0.0")
    learner.type("docker push myusername/myapp:v1.0.0")
    learner.open("05-deploy.ipynb")
    learner.type("docker service create --name myapp --replicas 3 myusername/myapp:v1.0.0")
    learner.points("5 of 5")
    shoot(learner, "panel")


if __name__ == "__main__":
    main()
