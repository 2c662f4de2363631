#!/usr/bin/env python3
"""Measures the lab on this machine, side by side in one run, and writes docs/performance.md with --write.

    .venv/bin/python bench/lab.py [--runs 5] [--suite SECONDS] [--write]

`./lab test` says at its end how many seconds it took: hand them over with --suite, for a row of their own.

The machine is what it is, and noisy: what counts are the ratios, of medians of interleaved runs.
"""

import argparse
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
}
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "integration")]

import page  # noqa: E402
import processor  # noqa: E402
from test_scale import FILL  # noqa: E402

from labkit import paths  # noqa: E402
from labkit.authoring import solutions  # noqa: E402
from labkit.classroom.broker import capacity  # noqa: E402
from labkit.content import exercises  # noqa: E402
from labkit.grading.grade import grade  # noqa: E402
from labkit.lab import environment, find  # noqa: E402
from labkit.lab.engine import (  # noqa: E402
    capabilities,
    engines,
    images,
    own,
)
from labkit.lab.lifecycle import machines, pki, sweep  # noqa: E402
from labkit.lab.looking.observe import observe  # noqa: E402
from labkit.lab.plan import Plan  # noqa: E402
from labkit.lab.playing.reset import reset_all  # noqa: E402
from labkit.seen.observation import Observation  # noqa: E402

HOME = paths.home()
MACHINES = [machine.name for machine in Plan(HOME.name).machines]
LABKIT = [sys.executable, "-m", "labkit"]


def quiet(_):
    pass


def timed(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def command(*words, env=None):
    subprocess.run(words, check=True, capture_output=True, env=env, stdin=subprocess.DEVNULL, cwd=ROOT)


ONE_NODE = """
from labkit import paths
from labkit.lab.engine import engines, images
from labkit.lab.lifecycle import provision
from labkit.lab.lifecycle.site import Site
from labkit.lab.lifecycle.steps import run
from labkit.lab.plan import Plan
quiet = lambda _: None
home = paths.home()
engine = engines.find(home)
site = Site(engine, home, Plan(home.name, home.work), quiet, image=images.ensure(engine, quiet))
with site.open:
    run(provision.starting(site, [site.plan.machine("workstation")]), quiet)
"""


def one_node():
    """One such node alone, from a command's start until its engine answers: what any lab of this kind has to pay."""
    command(sys.executable, "-c", ONE_NODE)


def up():
    """The whole lab, from a command's start until `check` has graded it once."""
    command(*LABKIT, "up", "--detach", "--no-jupyter")


def down():
    command(*LABKIT, "down")


def sequential(engine, image):
    """What a person's shell script does: the same containers with the docker CLI, one after the other."""
    name = f"{HOME.name}-cli"
    pki.make(SCRATCH / "cli", Plan(HOME.name))
    docker = ["docker", "-H", engine.url]
    lacking = capabilities.of_engine(engine)
    node = ["--privileged"]
    if lacking:
        node = [*("--cap-add", "ALL", *(word for one in lacking for word in ("--cap-drop", one)))]
        node += ["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"]
        node += ["--device-cgroup-rule", "a *:* rwm", "--cgroupns", "private"]
    command(*docker, "network", "create", name)
    for machine in MACHINES:
        is_node = machine.startswith("work")
        extra = [*node, "-v", "/var/lib/docker"] if is_node else ["-v", f"{name}:/var/lib/registry"]
        keys = f"{SCRATCH}/cli/{machine}/pki:/lab/pki:ro"
        script = "/lab/bin/node.sh" if is_node else "/lab/bin/edge.sh"
        command(*docker, "run", "-d", "--name", f"{name}-{machine}", "--hostname", machine, "--network", name,
                "--network-alias", machine, "-v", keys, *extra, image, script)  # fmt: skip
        if is_node:
            until(lambda at=machine: execute(docker, name, at, "docker version"))
    execute(docker, name, "workstation", "docker swarm init", check=True)
    token = execute(docker, name, "workstation", "docker swarm join-token -q worker", check=True).strip()
    for worker in ("worker1", "worker2"):
        execute(docker, name, worker, f"docker swarm join --token {token} workstation:2377", check=True)
    execute(docker, name, "workstation", "docker load -q -i /lab/myapp.tar", check=True)


def execute(docker, name, machine, line, check=False):
    result = subprocess.run([*docker, "exec", f"{name}-{machine}", "sh", "-c", line], capture_output=True, text=True)
    if check and result.returncode:
        raise SystemExit(result.stderr)
    return result.stdout if result.returncode == 0 else ""


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("the machine did not answer within 60 s")
        time.sleep(0.02)


def clear_sequential(engine):
    name = f"{HOME.name}-cli"
    docker = ["docker", "-H", engine.url]
    parts = [f"{name}-{machine}" for machine in MACHINES]
    subprocess.run([*docker, "rm", "-fv", *parts], capture_output=True)
    subprocess.run([*docker, "network", "rm", name], capture_output=True)
    subprocess.run([*docker, "volume", "rm", name], capture_output=True)


def memory(engine):
    """Bytes that the lab's containers use, without the page cache, as `docker stats` counts."""
    parts = [part["Id"] for part in find.containers(engine, HOME.name)]
    return sum(map(capacity.memory, capacity.stats(engine, parts)))


def used(engine):
    """Processor seconds that the lab's containers have used."""
    return processor.of_containers(engine, [container["Id"] for container in find.containers(engine, HOME.name)])


def large_observation(observation):
    """That observation with 200 repositories of 50 tags and 50 services."""
    data = observation.data()
    registries, services = data["registries"], data["swarm"]["services"]
    held = next(iter(registries["known"].values()))["repositories"]
    manifest = next(iter(registries["manifests"].values()))
    registries["manifests"] |= {f"sha256:{n:064x}": manifest for n in range(10_000)}
    for repository in range(200):
        held[f"myusername/repo{repository}"] = {f"v{tag}": f"sha256:{repository * 50 + tag:064x}" for tag in range(50)}
    service = next(iter(services.values()))
    for number in range(50):
        services[f"s{number}"] = {**service, "name": f"s{number}"}
    return Observation.read(data)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--suite", type=float, metavar="SECONDS", help="how long `./lab test` took, as it said itself")
    options.add_argument("--write", action="store_true", help="write docs/performance.md")
    chosen = options.parse_args()
    engine = engines.ensure(HOME, print)
    image = images.ensure(engine, print)
    os.environ["LABKIT_ENGINE"] = engine.url
    if engine.own:
        os.environ["DOCKER_HOST"] = ""
    times = {key: [] for key in ("node", "up", "again", "down", "script")}
    starts = []
    # A container of another lab keeps an engine of the lab's own alive between the runs.
    keep = subprocess.run(
        ["docker", "-H", engine.url, "run", "-d", "--network", "none", "--label", f"io.registry-lab={HOME.name}-keep",
         image, "sleep", "3600"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    try:
        for _ in range(chosen.runs):
            times["node"].append(timed(one_node))
            down()
            starts.append(processor.spent(lambda: times["up"].append(timed(up)), lambda: used(engine)))
            times["again"].append(timed(up))
            times["down"].append(timed(down))
            times["script"].append(timed(lambda: sequential(engine, image)))
            clear_sequential(engine)
        lines = figures(engine, times, starts)
    finally:
        clear_sequential(engine)
        down()
        subprocess.run(["docker", "-H", engine.url, "rm", "-f", keep], capture_output=True, check=True)
        if engine.own and not sweep.used_by_labs(engine):
            own.stop(HOME)
    if chosen.suite:
        minutes, seconds = divmod(round(chosen.suite), 60)
        lines.append(f"| `./lab test`, the whole suite | {minutes}:{seconds:02} min | aim: 25 min |")
    print("\n".join(lines))
    if chosen.write:
        write(lines, chosen.runs)


def figures(engine, times, starts):
    """Rows of the page's table."""
    start = statistics.median_low([spent.all for spent in starts])
    parts = next(spent for spent in starts if spent.all == start)
    floor = start / os.cpu_count()
    middle = {key: statistics.median(values) for key, values in times.items()}
    up()
    lab = find.current()
    idle = memory(engine)
    for slug in ("01-login", "05-deploy"):
        solutions.solve(lab, exercises.load(slug))
    every = exercises.every()
    observing = [timed(lambda: observe(lab)) for _ in range(30)]
    checking = [timed(lambda: grade(every, observe(lab))) for _ in range(30)]
    env = environment.process(lab)
    listing, command_check = [], []
    for _ in range(15):
        listing.append(timed(lambda: command("docker", "service", "ls", env=env)))
        command_check.append(timed(lambda: subprocess.run([*LABKIT, "check"], capture_output=True, env=env, cwd=ROOT)))
    large = large_observation(observe(lab))
    grading = [timed(lambda: grade(every, large)) for _ in range(20)]
    machines.execute(engine, lab.parts["edge"].id, ["python3", "-c", FILL])
    for number in range(50):
        command(
            "docker", "service", "create", "-d", "-q", "--replicas", "0", "--name", f"s{number}", "busybox", env=env
        )
    observing_much = [timed(lambda: observe(lab)) for _ in range(10)]
    resetting = [timed(lambda: reset_all(lab)) for _ in range(5)]

    def row(what, value, note=""):
        return f"| {what} | {value} | {note} |"

    def ratio(one, other):
        return f"{one / other:.2f} ×"

    fast = statistics.median(command_check) / statistics.median(listing)
    return [
        row("one node alone, from the command's start until it answers", f"{middle['node']:.2f} s", "the unit below"),
        row("`labkit up --detach`: four machines, Swarm joined, edge and sample app ready", f"{middle['up']:.2f} s",
            f"{ratio(middle['up'], middle['node'])} one node (aim: 1.5 ×)"),
        row("the same in processor seconds", f"{start:.2f} s",
            f"labkit {parts.command:.2f}, the engine outside {parts.engine:.2f}, the four containers {parts.containers:.2f}"),
        row(f"the least that `up` can take on {os.cpu_count()} cores: these seconds ÷ cores", f"{floor:.2f} s",
            f"`up` takes {ratio(middle['up'], floor)} that (aim: 1.25 ×)"),
        row("`labkit up --detach` where it is up", f"{middle['again']:.2f} s", ratio(middle["again"], middle["node"])),
        row("the same containers by a sequential docker-CLI script", f"{middle['script']:.2f} s",
            f"{ratio(middle['script'], middle['up'])} `labkit up`"),
        row("`labkit down`", f"{middle['down']:.2f} s", "aim: 1.5 s"),
        row("memory of an idle lab (all four containers, without page cache)", f"{idle / 1024**2:.0f} MiB"),
        row("`observe` in process", f"{statistics.median(observing) * 1000:.0f} ms", "median of 30"),
        row("observe and grade all exercises in process", f"{statistics.median(checking) * 1000:.0f} ms", "aim: 150 ms"),
        row("`docker service ls`", f"{statistics.median(listing) * 1000:.0f} ms", "the unit of the next row"),
        row("`labkit check` of all exercises, as a command", f"{statistics.median(command_check) * 1000:.0f} ms",
            f"{fast:.2f} × `docker service ls` (aim: below 2 ×)"),
        row("`observe` of 200 repositories × 50 tags and 50 services", f"{statistics.median(observing_much):.2f} s",
            "aim: 1 s"),
        row("grade an observation of 200 repositories × 50 tags and 50 services", f"{statistics.median(grading) * 1000:.0f} ms",
            "aim: 50 ms"),
        row("reset the whole lab", f"{statistics.median(resetting):.2f} s", "median of 5"),
    ]  # fmt: skip


def write(lines, runs):
    table = "\n".join(["| what | median | compared |", "|---|---|---|", *lines])
    page.put(
        "The lab",
        f".venv/bin/python bench/lab.py --runs {runs} --write",
        f"""All rows come from one run on one machine. The values are medians, and the start-ups were measured alternately.
Times differ between machines; the ratios differ less.

{table}

What the rows mean: a node *answers* when its engine replies over mutual TLS. *One node alone* includes the same Python,
the same image look-up, network and keys. `up` is measured without JupyterLab, which starts in parallel.
What we tried to make it faster: [decision 6](decisions/0006-start-up.md).
""",
    )


if __name__ == "__main__":
    main()
