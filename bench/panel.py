#!/usr/bin/env python3
"""Measures the panel in JupyterLab, in a real Chromium, and writes its section of docs/performance.md with --write.

.venv/bin/python bench/panel.py [--pushes 30] [--minutes 30] [--write]
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

from labkit.lab import environment, find  # noqa: E402

LABKIT = [sys.executable, "-m", "labkit"]

WAIT = """digest => new Promise(done => {
  const shows = () => document.querySelector('svg.lk-wide')?.textContent.includes(digest);
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


def kernel():
    """The process of the kernel that shows the panel: the youngest of this bench's JupyterLab."""
    found = []
    for one in psutil.process_iter(["cmdline", "environ", "create_time"]):
        command = " ".join(one.info["cmdline"] or ())
        mine = (one.info["environ"] or {}).get("LABKIT_LAB") == os.environ["LABKIT_LAB"]
        if mine and "ipykernel_launcher" in command:
            found.append(one)
    return max(found, key=lambda one: one.info["create_time"])


def share(process, seconds):
    """Part of a core that a process uses over so many seconds."""
    before = sum(process.cpu_times()[:2])
    time.sleep(seconds)
    return (sum(process.cpu_times()[:2]) - before) / seconds


def start(learner):
    """Seconds from running the cell in a fresh kernel to the panel on the screen."""
    learner.page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    learner.shown("03-push.ipynb")
    learner.page.evaluate("window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    learner.part("checks").wait_for(state="detached")
    cell = learner.cell("import panel")
    cell.locator(".cm-content").click()
    began = time.perf_counter()
    learner.page.keyboard.press("Shift+Enter")
    learner.part("checks").wait_for()
    return time.perf_counter() - began


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pushes", type=int, default=30)
    options.add_argument("--minutes", type=int, default=30)
    options.add_argument("--write", action="store_true", help="write the panel's section of docs/performance.md")
    chosen = options.parse_args()
    labkit("up", "--detach")
    try:
        with browser() as chromium:
            lines = measure(chromium, chosen)
    finally:
        labkit("down")
    print("\n".join(lines))
    if chosen.write:
        command = f".venv/bin/python bench/panel.py --pushes {chosen.pushes} --minutes {chosen.minutes} --write"
        table = "\n".join(["| what | value | compared |", "|---|---|---|", *lines])
        page.put(
            "The panel", command, f"One lab, one JupyterLab, one headless Chromium on the same machine.\n\n{table}\n"
        )


def measure(chromium, chosen):
    learner = Learner(chromium, json.loads(labkit("status", "--json"))["jupyter"])
    learner.open("03-push.ipynb")
    learner.panel()
    starts = [start(learner) for _ in range(5)]
    env = environment.process(find.current())
    docker(env, "login", "-u", "myusername", "-p", "mypassword")
    push(learner, env, "first")
    seconds = sorted(push(learner, env, number) for number in range(chosen.pushes))
    late = seconds[max(0, round(0.95 * len(seconds)) - 1)]
    time.sleep(5)
    process = kernel()
    bare = share(process, 60)
    print(f"pushes {seconds}, idle {bare:.3f}, starts {starts}", file=sys.stderr, flush=True)
    sizes = [process.memory_info().rss]
    for minute in range(chosen.minutes):
        # Something to show, as while somebody works; two images in turn, so that of what is held only the access log grows.
        push(learner, env, f"minute-{minute % 2}")
        time.sleep(60)
        sizes.append(process.memory_info().rss)
    third = len(sizes) // 3 or 1
    grown = (statistics.mean(sizes[-third:]) - statistics.mean(sizes[third : 2 * third] or sizes)) / 1024**2
    told = ", ".join(
        f"{sizes[at] / 1024**2:.0f}" for at in sorted({0, *(len(sizes) * part // 3 for part in (1, 2)), len(sizes) - 1})
    )
    median = statistics.median
    return [
        row(f"end of `docker push` until the picture shows it, median of {len(seconds)}", f"{median(seconds):.2f} s"),
        row("the same, 95th percentile", f"{late:.2f} s", "aim: 1 s"),
        row("kernel, panel open, nothing changes, over 60 s", f"{bare * 100:.1f} % of a core", "aim: 5 %"),
        row("the panel's cell in a fresh kernel until it is on the screen, median of 5", f"{median(starts):.2f} s"),
        row(
            f"memory of the kernel over {chosen.minutes} minutes, a push a minute: start, a third, two thirds, end",
            f"{told} MiB",
            f"last third − middle third: {grown:+.1f} MiB",
        ),
    ]


def row(what, value, note=""):
    return f"| {what} | {value} | {note} |"


if __name__ == "__main__":
    main()
