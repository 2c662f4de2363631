#!/usr/bin/env python3
"""Measures the panel in JupyterLab, in a real Chromium, and writes its sections of docs/performance.md with --write.

.venv/bin/python bench/panel.py [--only timing|memory] [--pushes 30] [--minutes 30] [--write]

Timing wants a quiet machine for some eight minutes. Memory takes as many minutes as it is told, and may run beside other work.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRATCH = Path(tempfile.mkdtemp(prefix="labkit-bench-"))
os.environ |= {
    "LABKIT_LAB": f"labbench-{os.getpid()}",
    "XDG_STATE_HOME": str(SCRATCH / "state"),
    "LABKIT_WORK": str(SCRATCH / "work"),
    "PYTHONPATH": str(ROOT),
}
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

import page  # noqa: E402
import psutil  # noqa: E402
from driver import Learner, browser  # noqa: E402

from labkit.jupyter import server as jupyter  # noqa: E402
from labkit.jupyter.pages import GRACE  # noqa: E402
from labkit.lab import environment, find  # noqa: E402

LABKIT = [sys.executable, "-m", "labkit"]

WAIT = """digest => new Promise(done => {
  const shows = () => document.querySelector('#labkit-panel [data-part=picture]')?.innerHTML.includes(digest);
  if (shows()) return done(Date.now());
  const look = new MutationObserver(() => { if (shows()) { look.disconnect(); done(Date.now()); } });
  look.observe(document.body, {childList: true, subtree: true, characterData: true});
})"""


def labkit(*words):
    return subprocess.run([*LABKIT, *words], capture_output=True, text=True, check=True, cwd=ROOT).stdout


def docker(env, *words, **options):
    return subprocess.run(["docker", *words], env=env, capture_output=True, text=True, check=True, **options).stdout


def push(learner, env, label):
    """Seconds from the end of a push of the image with this label to the picture's showing it."""
    name = "myusername/myapp:v1.0.0"
    docker(env, "build", "-q", "-t", name, "-", input=f"FROM myapp\nLABEL number={label}\n")
    output = docker(env, "push", name)
    ended = time.time()
    digest = output.partition("digest: sha256:")[2][:7]
    return max(0.0, learner.page.evaluate(WAIT, digest) / 1000 - ended)


def server():
    """The process of this bench's Jupyter server, which watches the lab and renders the panel."""
    return psutil.Process(jupyter.running().pid)


def share(process, seconds):
    """Part of a core that a process uses over so many seconds."""
    before = sum(process.cpu_times()[:2])
    time.sleep(seconds)
    return (sum(process.cpu_times()[:2]) - before) / seconds


def paint(chromium, url):
    """Seconds from the notebook's being there to its panel on the screen."""
    learner = Learner(chromium, url)
    learner.page.goto(f"{learner.base}/tree/03-push.ipynb?{learner.token}&reset")
    learner.page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    began = time.perf_counter()
    learner.part("checks").locator(".lk-sum").wait_for()
    ended = time.perf_counter()
    learner.page.close()
    return ended - began


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", choices=PARTS, help="one part; both by default")
    options.add_argument("--pushes", type=int, default=30, help="timing: how many (default 30)")
    options.add_argument("--minutes", type=int, default=30, help="memory: how long (default 30)")
    options.add_argument("--write", action="store_true", help="write what was measured into docs/performance.md")
    chosen = options.parse_args()
    labkit("up", "--detach")
    try:
        with browser() as chromium:
            for name in [chosen.only] if chosen.only else PARTS:
                told(name, chosen, PARTS[name](chromium, chosen))
    finally:
        labkit("down")


def told(part, chosen, rows):
    """Prints what a part measured, and with --write puts it into its section."""
    print("\n".join(rows), flush=True)
    if not chosen.write:
        return
    size = f"--pushes {chosen.pushes}" if part == "timing" else f"--minutes {chosen.minutes}"
    command = f".venv/bin/python bench/panel.py --only {part} {size} --write"
    table = "\n".join(["| what | value | compared |", "|---|---|---|", *rows])
    title = "The panel" if part == "timing" else "The panel's memory"
    page.put(title, command, f"One lab, one JupyterLab, one headless Chromium on the same machine.\n\n{table}\n")


def address():
    return json.loads(labkit("status", "--json"))["jupyter"]


def pushing():
    """The environment of somebody who has signed in and may push."""
    env = environment.process(find.current())
    docker(env, "login", "-u", "myusername", "-p", "mypassword")
    return env


def timing(chromium, chosen):
    """How soon the panel shows what happens, how soon it is there, and what it costs while nothing happens."""
    url = address()
    paints = [paint(chromium, url) for _ in range(5)]
    process = server()
    time.sleep(GRACE + 5)
    idle = [share(process, 60)]
    learner = Learner(chromium, url)
    for files in (["03-push.ipynb"], ["01-login.ipynb", "05-deploy.ipynb"]):
        for file in files:  # of one learner, in one JupyterLab: the panel follows the one that is active
            open_beside(learner, file)
        time.sleep(5)
        idle.append(share(process, 60))
    env = pushing()
    push(learner, env, "first")
    seconds = sorted(push(learner, env, number) for number in range(chosen.pushes))
    learner.page.close()
    late = seconds[max(0, round(0.95 * len(seconds)) - 1)]
    print(f"pushes {seconds}, idle {idle}, paints {paints}", file=sys.stderr, flush=True)
    median = statistics.median
    shares = ", ".join(f"{one * 100:.1f} %" for one in idle)
    return [
        row(f"end of `docker push` until the picture shows it, median of {len(seconds)}", f"{median(seconds):.2f} s"),
        row("the same, 95th percentile", f"{late:.2f} s", "aim: 0.2 s"),
        row("server, nothing changes, over 60 s: no, one, three notebooks open", f"{shares} of a core"),
        row(
            "a lesson's first cell on the screen until its panel is, median of 5", f"{median(paints):.2f} s", "aim: 1 s"
        ),
    ]


def open_beside(learner, file):
    """Opens a notebook in the JupyterLab that is there, or a JupyterLab with it."""
    if learner.file is None:
        learner.open(file)
    else:
        learner.page.evaluate("path => window.jupyterapp.commands.execute('docmanager:open', {path})", file)
        learner.shown(file)


def memory(chromium, chosen):
    """How much memory the server holds while somebody pushes once a minute: two images in turn, so that only the access log
    grows."""
    learner = Learner(chromium, address())
    learner.open("03-push.ipynb")
    process, env = server(), pushing()
    sizes = [process.memory_info().rss]
    for minute in range(chosen.minutes):
        push(learner, env, f"minute-{minute % 2}")
        time.sleep(60)
        sizes.append(process.memory_info().rss)
    learner.page.close()
    print(f"sizes {sizes}", file=sys.stderr, flush=True)
    third = len(sizes) // 3 or 1
    grown = (statistics.mean(sizes[-third:]) - statistics.mean(sizes[third : 2 * third] or sizes)) / 1024**2
    held = ", ".join(
        f"{sizes[at] / 1024**2:.0f}" for at in sorted({0, *(len(sizes) * part // 3 for part in (1, 2)), len(sizes) - 1})
    )
    return [
        row(
            f"memory of the server over {chosen.minutes} minutes, a push a minute: start, a third, two thirds, end",
            f"{held} MiB",
            f"last third − middle third: {grown:+.1f} MiB",
        )
    ]


PARTS = {"timing": timing, "memory": memory}


def row(what, value, note=""):
    return f"| {what} | {value} | {note} |"


if __name__ == "__main__":
    main()
