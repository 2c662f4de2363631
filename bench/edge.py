#!/usr/bin/env python3
"""Measures the edge against Distribution alone, which does its own TLS on the same network, interleaved in one run.

    .venv/bin/python bench/edge.py [--runs 3] [--write]

Times differ from machine to machine; what counts are the ratios, of medians, and the edge's memory.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRATCH = Path(tempfile.mkdtemp(prefix="labkit-bench-"))
os.environ |= {
    "LABKIT_LAB": f"labbench-{os.getpid()}",
    "XDG_STATE_HOME": str(SCRATCH / "state"),
    "LABKIT_WORK": str(SCRATCH / "work"),
}
sys.path[:0] = [str(ROOT)]

import page  # noqa: E402
import processor  # noqa: E402

from labkit import paths  # noqa: E402
from labkit.lab import environment, find  # noqa: E402
from labkit.lab.engine import engines, images  # noqa: E402
from labkit.lab.lifecycle import machines  # noqa: E402

HOME = paths.home()
LABKIT = [sys.executable, "-m", "labkit"]
ALONE = f"{HOME.name}-alone"
EDGE, SINGLE = "docker.io/myusername", f"{ALONE}:5000/myusername"
IMAGES = {"ten": (10, 20_000_000), "two": (2, 1_000_000)}
"""Layers of random bytes, and how many bytes each has."""

READ = """
import base64, http.client, json, socket, ssl, sys, threading, time, urllib.request
place, times, at_once = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
tls = ssl.create_default_context()
tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
host, _, name = place.partition("/")
host = "registry-1.docker.io" if host == "docker.io" else host
hub, name = not host.endswith(":5000"), name.removesuffix(":v1")
KIND = "application/vnd.docker.distribution.manifest.v2+json"

def ask(connection, path, **headers):
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    assert answer.status == 200, (path, answer.status)
    return answer

def pull():
    head = {}
    if hub:
        auth = http.client.HTTPSConnection("auth.docker.io", context=tls)
        pair = base64.b64encode(b"myusername:mypassword").decode()
        told = ask(auth, f"/token?scope=repository:{name}:pull", Authorization=f"Basic {pair}")
        head["Authorization"] = "Bearer " + json.load(told)["token"]
        auth.close()
    connection = http.client.HTTPSConnection(host, context=tls)
    manifest = json.load(ask(connection, f"/v2/{name}/manifests/v1", Accept=KIND, **head))
    began, buffer = time.perf_counter(), bytearray(1 << 20)
    for _ in range(times):
        for part in [manifest["config"], *manifest["layers"]]:
            answer = ask(connection, f"/v2/{name}/blobs/{part['digest']}", **head)
            while answer.readinto(buffer):
                pass
    connection.close()
    return time.perf_counter() - began

failed = []
threading.excepthook = lambda found: failed.append(found.exc_value)
threads = [threading.Thread(target=pull) for _ in range(at_once)]
began = time.perf_counter()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not failed, failed
print(time.perf_counter() - began)
"""
"""Pulls an image AT_ONCE times at once, reading its blobs TIMES times each; prints seconds."""

SAMPLE = """
import os, time
highest, last = 0, 0
while not os.path.exists("/tmp/measured"):
    last = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = open(f"/proc/{pid}/cmdline").read()
            if command.startswith("nginx:") or command.endswith("-m\\0edge\\0"):
                last += sum(int(line.split()[1]) for line in open(f"/proc/{pid}/status") if line.startswith("RssAnon"))
        except OSError:
            pass
    highest = max(highest, last)
    time.sleep(0.05)
print(highest, last)
"""


class Bench:
    def __init__(self):
        self.engine = engines.ensure(HOME, print)
        self.image = images.ensure(self.engine, print)
        os.environ["LABKIT_ENGINE"] = self.engine.url
        self.docker = ["docker", "-H", self.engine.url]

    def up(self):
        run(*LABKIT, "up", "--detach", "--no-jupyter", "--workers", "1")
        self.lab = find.current()
        self.env = environment.process(self.lab)
        self._alone()
        run("docker", "login", "-u", "myusername", "-p", "mypassword", env=self.env)
        for name, (layers, size) in IMAGES.items():
            lines = "FROM busybox\n" + "".join(f"RUN head -c {size} /dev/urandom > /{n}\n" for n in range(layers))
            run("docker", "build", "-q", "-t", f"{EDGE}/{name}:v1", "-", env=self.env, input=lines)
            run("docker", "tag", f"{EDGE}/{name}:v1", f"{SINGLE}/{name}:v1", env=self.env)

    def _alone(self):
        """Distribution with TLS of its own, in a container of its own, trusted by the workstation."""
        import trustme

        authority = trustme.CA()
        leaf = authority.issue_cert(ALONE)
        keys = SCRATCH / "alone"
        keys.mkdir()
        leaf.private_key_and_cert_chain_pem.write_to_path(str(keys / "both.pem"))
        settings = {"NET": "tcp", "ADDR": ":5000", "TLS_CERTIFICATE": "/keys/both.pem", "TLS_KEY": "/keys/both.pem"}
        told = [word for key, value in settings.items() for word in ("-e", f"REGISTRY_HTTP_{key}={value}")]
        run(*self.docker, "run", "-d", "--name", ALONE, "--network", self.lab.name, "-v", f"{keys}:/keys:ro", *told,
            "-v", "/var/lib/registry", "--entrypoint", "docker-registry", self.image, "serve", "/lab/store.yml")  # fmt: skip
        folder = f"/etc/docker/certs.d/{ALONE}:5000"
        pem = authority.cert_pem.bytes().decode()
        self.on("workstation", "sh", "-c", f"mkdir -p {folder} && printf %s '{pem}' > {folder}/ca.crt")

    def down(self):
        subprocess.run([*self.docker, "rm", "-fv", ALONE], capture_output=True)
        run(*LABKIT, "down")

    def on(self, machine, *command):
        return machines.execute(self.engine, self.lab.parts[machine].id, list(command))

    def push(self, place):
        """Seconds of `docker push` into a registry that has none of it."""
        self._empty(place)
        return timed(lambda: run("docker", "push", "-q", f"{place}/ten:v1", env=self.env))

    def _empty(self, place):
        machine = self.lab.parts["edge"].id if place == EDGE else ALONE
        root = "/var/lib/registry/docker/registry/v2"
        name = "hub/myusername" if place == EDGE else "myusername"
        script = f"rm -rf {root}/repositories/{name}/ten; find {root}/blobs -name data -size +10M -delete"
        run(*self.docker, "exec", machine, "sh", "-c", script)
        self.on(
            "workstation",
            "sh",
            "-c",
            "rm -rf /var/lib/docker/image/overlay2/distribution/v2metadata-by-diffid/*/* || true",
        )

    def pull(self, place):
        """Seconds of `docker pull` by an engine that has none of it, and is given it back for the next push."""
        run("docker", "rmi", f"{EDGE}/ten:v1", f"{SINGLE}/ten:v1", env=self.env)
        took = timed(lambda: run("docker", "pull", "-q", f"{place}/ten:v1", env=self.env))
        for other in (EDGE, SINGLE):
            run("docker", "tag", f"{place}/ten:v1", f"{other}/ten:v1", env=self.env)
        return took

    def blobs(self, place, name, times, at_once):
        return float(self.on("workstation", "python3", "-c", READ, f"{place}/{name}:v1", str(times), str(at_once)))

    def used(self, place):
        """Processor seconds of what serves there, since it started."""
        with self.engine.wire() as wire:
            return processor.of_containers(wire, [self.lab.parts["edge"].id if place == EDGE else ALONE])

    def memory(self, work):
        """(most, last) MiB of the edge and nginx while this is done."""
        self.on("edge", "rm", "-f", "/tmp/measured")
        told = []
        sampler = threading.Thread(target=lambda: told.append(self.on("edge", "python3", "-c", SAMPLE)))
        sampler.start()
        work()
        self.on("edge", "touch", "/tmp/measured")
        sampler.join()
        return [int(number) / 1024 for number in re.findall(r"\d+", told[0])]


def timed(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def run(*words, env=None, input=None):
    done = subprocess.run(words, capture_output=True, env=env, input=input, text=True, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stderr.strip()}")


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--write", action="store_true", help="write docs/performance.md")
    chosen = options.parse_args()
    bench = Bench()
    kinds = {
        "`docker push` of 200 MB in ten layers": (bench.push, 0.9),
        "`docker pull` of the same": (bench.pull, 0.9),
        "its blobs down, over one connection, five times": (lambda place: bench.blobs(place, "ten", 5, 1), 0.75),
        "100 pulls at once of 2 MB in two layers, by a client without an engine": (
            lambda place: bench.blobs(place, "two", 1, 100),
            0.85,
        ),
    }
    times = {kind: {EDGE: [], SINGLE: []} for kind in kinds}
    costs = {kind: {EDGE: [], SINGLE: []} for kind in kinds}
    memory = {kind: [] for kind in kinds}
    try:
        bench.up()
        for place in (EDGE, SINGLE):
            run("docker", "push", "-q", f"{place}/two:v1", env=bench.env)
        for number in range(chosen.runs):
            for kind, (work, _) in kinds.items():
                for place in (EDGE, SINGLE) if number % 2 else (SINGLE, EDGE):  # neither always comes first
                    before = bench.used(place)
                    found = bench.memory(lambda w=work, p=place, s=times[kind]: s[p].append(w(p)))
                    costs[kind][place].append(bench.used(place) - before)
                    memory[kind] += [found] if place == EDGE else []
    finally:
        bench.down()
    lines = []
    for kind, (_, aim) in kinds.items():
        edge, alone = (statistics.median(times[kind][place]) for place in (EDGE, SINGLE))
        cost, cost_alone = (statistics.median(costs[kind][place]) for place in (EDGE, SINGLE))
        most = max(highest for highest, _ in memory[kind])
        lines.append(
            f"| {kind} | {edge:.2f} s | {alone:.2f} s | {alone / edge:.2f} × (aim: {aim} ×) "
            f"| {cost:.2f} and {cost_alone:.2f} s | {most:.0f} MiB (aim: 64 MiB) |"
        )
    print("\n".join(lines))
    if chosen.write:
        write(lines, chosen.runs, memory)


def write(lines, runs, memory):
    last = [pair[1] for pairs in memory.values() for pair in pairs][-1]
    table = "\n".join(
        [
            "| what | with the edge | alone | the edge's speed | processor | its memory |",
            "|---|---|---|---|---|---|",
            *lines,
        ]
    )
    page.put(
        "The edge",
        f".venv/bin/python bench/edge.py --runs {runs} --write",
        f"""The lab's registries beside Distribution alone, of the same version and with TLS of its own, interleaved in one
run; medians. The client is the workstation, which works on the same cores. The speed is alone ÷ with the edge.
Processor seconds are those of the serving container, with the edge and alone; they vary less than times.

{table}

Memory is what nginx and the edge have of their own (RssAnon) at most meanwhile, after all of it {last:.0f} MiB; the store is
not in it. Under attack it is measured by `tests/attacks/test_protocol_proxy.py`.
Where the time goes, and why bodies go past Python: [decision 15](decisions/0015-bodies-past-python.md).
""",
    )


if __name__ == "__main__":
    main()
