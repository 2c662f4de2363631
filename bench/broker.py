#!/usr/bin/env python3
"""Brings up labs of one broker until so many are there, or until memory or processor says stop, and grades all of them at once.

    .venv/bin/python bench/broker.py [--labs 60] [--workers 2] [--jupyter 0] [--write] [--quick]

`--jupyter` labs get a JupyterLab with a kernel each, as their guests. Every second lab's learner signs in to the registry: the
check must pass for these and not for the others. Measure on a machine where nothing else runs. `--quick` only shows that it
runs: two labs, however busy the machine is.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRATCH = Path(tempfile.mkdtemp(prefix="labkit-bench-"))
os.environ |= {"LABKIT_LAB": f"labbench-{os.getpid()}", "XDG_STATE_HOME": str(SCRATCH / "state")}
sys.path[:0] = [str(ROOT)]

import page  # noqa: E402
import processor  # noqa: E402
import psutil  # noqa: E402

from labkit import paths  # noqa: E402
from labkit.classroom.broker import capacity, naming, planning  # noqa: E402
from labkit.classroom.broker.broker import Broker, Settings  # noqa: E402
from labkit.content import exercises  # noqa: E402
from labkit.errors import LabError  # noqa: E402
from labkit.grading.grade import grade  # noqa: E402
from labkit.lab import find  # noqa: E402
from labkit.lab.engine import engines  # noqa: E402
from labkit.lab.owner import workshop  # noqa: E402

MIB = 1024**2
SPAN = 30.0
"""Seconds for which the idle labs are watched."""
BUSY = 0.9
"""Where the cores were this busy while nobody did anything, no more labs are started."""
SLUG = "01-login"


def main():
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--labs", type=int, default=60)
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument("--jupyter", type=int, default=0)
    asked.add_argument(
        "--at-once", type=int, default=0, help="labs that start at the same time; 0: as the broker chooses"
    )
    asked.add_argument(
        "--busy", type=float, default=BUSY, help="start no more labs where the cores are this busy at rest"
    )
    asked.add_argument("--write", action="store_true")
    asked.add_argument("--quick", action="store_true", help="two labs for three seconds, to see that it runs")
    options = asked.parse_args()
    options.span = SPAN
    if options.quick:
        options.labs, options.busy, options.span = min(2, options.labs), 2.0, 3.0
        options.jupyter, options.write = min(1, options.jupyter), False
    engine = engines.find(paths.home())
    key = SCRATCH / "workshop.key"
    workshop.new(key, "bench")
    settings = Settings(
        f"bench{os.getpid()}", SCRATCH / "broker", key, workers=options.workers, at_once=options.at_once
    )
    with Broker(engine, settings) as broker:
        try:
            rows = measured(broker, engine, options)
        finally:
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(broker.remove, [one.learner for one in broker.all()]))
    print("\n".join(rows))
    if options.write:
        write(rows, options)


def measured(broker, engine, options):
    free, load = psutil.virtual_memory().available, psutil.cpu_percent(interval=5)
    learners = [f"learner {number:03d}" for number in range(options.labs)]
    began, up, times, why = time.monotonic(), [], [], ""
    turns = options.at_once or planning.at_once(os.cpu_count())
    with ThreadPoolExecutor(turns) as pool:
        for at in range(0, len(learners), turns):
            if why := stop(options.busy):
                break
            for learner, took in pool.map(lambda one: timed(broker.start, one), learners[at : at + turns]):
                up.append(learner)
                times.append(took)
                print(f"{len(up)} labs, {psutil.virtual_memory().available / MIB:,.0f} MiB left", file=sys.stderr)
    took = time.monotonic() - began
    if not up:
        sys.exit(f"✗ No lab was started. {why}. Something else runs on this machine.")
    labs = [found(broker, engine, learner) for learner in up]
    with contextlib.ExitStack() as running:
        opened = [running.enter_context(jupyter(broker, learner)) for learner in up[: options.jupyter]]
        time.sleep(capacity.SETTLES)
        parts = [part.id for lab in labs for part in lab.parts.values()]
        since, before = time.monotonic(), processor.of_containers(engine, parts)
        time.sleep(options.span)
        until, after = time.monotonic(), processor.of_containers(engine, parts)
        idle = (after - before) / (until - since)
        busy = psutil.cpu_percent(interval=10)
        held = dict(zip(parts, map(capacity.memory, capacity.stats(engine, parts)), strict=True))
        memory = [sum(held[part.id] for part in lab.parts.values()) for lab in labs]
        left = psutil.virtual_memory().available
        everything, seconds = graded(broker, up)
        servers = [sum(map(capacity._own, capacity._family(one))) for one in opened]
    each = (free - left) / len(up)
    start, usual = statistics.median(times), statistics.median(memory) / MIB
    rows = [
        ("labs", len(up), why or "as many as were asked for"),
        (f"time to start all of them, {turns} at a time", f"{took:.0f} s", f"median of one: {start:.1f} s"),
        ("memory of one lab's containers", f"{usual:.0f} MiB", f"the most: {max(memory) / MIB:.0f} MiB"),
        ("memory that the machine had less, by lab", f"{each / MIB:.0f} MiB", "engine, broker, JupyterLabs included"),
        ("processor of one idle lab's containers", f"{idle / len(up) * 100:.2f} % of a core", f"all: {idle:.2f} cores"),
        ("how busy the machine was with all of them at rest", f"{busy:.0f} %", f"before: {load:.0f} %"),
        ("all observed and graded at once, each right", f"{everything} of {len(up)}", f"{seconds:.1f} s"),
    ]
    if servers:
        each = f"{statistics.median(servers) / MIB:.0f} MiB"
        rows.append(("memory of a JupyterLab with a kernel", each, f"{len(servers)} of them"))
    return [f"| {what} | {value} | {note} |" for what, value, note in rows]


def stop(most):
    """Why no more labs are started; "" if they are."""
    memory = psutil.virtual_memory()
    if memory.available < planning.KEPT * memory.total:
        return f"memory: less than {planning.KEPT:.0%} is left"
    if (busy := psutil.cpu_percent(interval=1)) > most * 100:
        return f"processor: {busy:.0f} % busy at rest"
    return ""


def timed(call, *words):
    began = time.monotonic()
    call(*words)
    return words[0], time.monotonic() - began


def found(broker, engine, learner):
    return find.on(engine, broker._home(naming.lab(broker.settings.workshop, learner)))


@contextlib.contextmanager
def jupyter(broker, learner):
    """A guest's JupyterLab with a kernel."""
    folder = SCRATCH / "guests" / naming.lab("x", learner)
    broker.access(learner, folder)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LABKIT_")}
    environment = {**kept, "LABKIT_GUEST": str(folder), "LABKIT_WORK": str(folder / "work"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "labkit", "jupyter"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    try:
        told = json.loads(next((folder / "jupyter").glob("jpserver-*.json")).read_text())
        capacity._kernel(told["url"], told["token"])
        yield psutil.Process(told["pid"])
    finally:
        subprocess.run([*command, "--stop"], env=environment, check=False, capture_output=True)


def graded(broker, learners):
    """How many reports were right, and how long all took at once."""
    signed_in = learners[::2]

    def sign_in(learner):
        user = broker.observe(learner, ("registries",)).lab.person.username
        session = broker.session(learner, "workstation", ["docker", "login", "-u", user, "-p", "mypassword"])
        while session.read()[1]:
            pass
        session.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(sign_in, signed_in))

    def right(learner):
        try:
            report = grade([exercises.load(SLUG)], broker.observe(learner)).exercises[0]
        except LabError as error:
            print(f"{learner}: {error}", file=sys.stderr)
            return False
        outcomes = {str(check.outcome) for check in report.checks}
        return "error" not in outcomes and (report.earned > 0) == (learner in signed_in)

    began = time.monotonic()
    with ThreadPoolExecutor(len(learners)) as pool:
        verdicts = list(pool.map(right, learners))
    return sum(verdicts), time.monotonic() - began


def write(rows, options):
    table = "\n".join(["| what | value | |", "|---|---|---|", *rows])
    page.put(
        "Labs of a classroom",
        f"bench/broker.py --labs {options.labs} --workers {options.workers} --jupyter {options.jupyter} --write",
        f"""One broker on one machine. A lab is the standard lab with {options.workers} workers, at rest.

{table}
""",
    )


if __name__ == "__main__":
    main()
