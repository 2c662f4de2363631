#!/usr/bin/env python3
"""Measures the edge against Distribution alone, which does its own TLS on the same network, interleaved in one run.

    .venv/bin/python bench/edge.py [--runs 3] [--registry KEY|all] [--write]

Docker Hub's stand-in is measured where no registry is named. With all of them, each is compared with the same Distribution.
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
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Place:
    """Where images are pushed, by whom, and what is typed on the workstation first. A password may be a command there."""

    prefix: str
    user: str = ""
    password: str = ""
    before: str = ""

    @property
    def host(self):
        return self.prefix.partition("/")[0]


SINGLE = Place(f"{ALONE}:5000/myusername")
ECR, GAR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com", "europe-west1-docker.pkg.dev"
AZ = "$(az acr login -n myregistry --expose-token --output tsv --query accessToken)"
GCLOUD = "$(gcloud auth print-access-token)"
PLACES = {
    "hub": Place("docker.io/myusername", "myusername", "mypassword"),
    "private": Place("registry.lab:5000/myusername", "myusername", "mypassword"),
    "harbor": Place("harbor.lab/library", "admin", "Harbor12345"),
    "nexus-hosted": Place("nexus.lab:8082/myusername", "myusername", "mypassword"),
    "ecr": Place(
        f"{ECR}/shop",
        "AWS",
        "$(aws ecr get-login-password)",
        "for name in ten two; do aws ecr create-repository --repository-name shop/$name; done",
    ),
    "acr": Place("myregistry.azurecr.io/team", "00000000-0000-0000-0000-000000000000", AZ),
    "artifact": Place(
        f"{GAR}/my-project/bench",
        "oauth2accesstoken",
        GCLOUD,
        "gcloud artifacts repositories create bench --repository-format=docker --location=europe-west1 --quiet",
    ),
    "gcr": Place("gcr.io/my-project", "oauth2accesstoken", GCLOUD),
}
"""By the registry's key. Nexus' group takes no pushes."""

IMAGES = {"ten": (10, 20_000_000), "two": (2, 1_000_000)}
"""Layers of random bytes, and how many bytes each has."""

READ = """
import base64, http.client, json, re, ssl, sys, threading, time
place, times, at_once, user, password = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]
tls = ssl.create_default_context()
tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
host, _, name = place.partition("/")
host = "registry-1.docker.io" if host == "docker.io" else host
name = name.removesuffix(":v1")
KIND = "application/vnd.docker.distribution.manifest.v2+json"

def ask(connection, path, **headers):
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    assert answer.status == 200, (path, answer.status)
    return answer

def sign_in(connection):
    pair = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    connection.request("GET", "/v2/")
    answer = connection.getresponse()
    answer.read()
    asked = answer.headers.get("WWW-Authenticate", "")
    if not asked.lower().startswith("bearer"):
        return {"Authorization": pair} if asked else {}
    said = dict(re.findall(r'(\\w+)="([^"]*)"', asked))
    where, _, path = said["realm"].removeprefix("https://").partition("/")
    auth = http.client.HTTPSConnection(where, context=tls)
    told = json.load(ask(auth, f"/{path}?service={said['service']}&scope=repository:{name}:pull", Authorization=pair))
    auth.close()
    return {"Authorization": "Bearer " + told["token"]}

def pull():
    connection = http.client.HTTPSConnection(host, context=tls)
    head = sign_in(connection)
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
    def __init__(self, keys):
        self.engine = engines.ensure(HOME, print)
        self.image = images.ensure(self.engine, print)
        os.environ["LABKIT_ENGINE"] = self.engine.url
        self.docker = ["docker", "-H", self.engine.url]
        self.places = [PLACES[key] for key in keys]
        self.passwords = {}

    def up(self):
        run(*LABKIT, "up", "--detach", "--no-jupyter", "--workers", "1")
        self.lab = find.current()
        run(*LABKIT, "limit", "hub", "--pulls", "1000000", "--signed-in", "1000000")
        self.env = environment.process(self.lab)
        self._alone()
        for place in self.places:
            script = (
                f"{place.before} >&2\nprintf %s {place.password}" if place.before else f"printf %s {place.password}"
            )
            self.passwords[place] = self.on("workstation", "sh", "-ec", script).strip().splitlines()[-1]
            host = [] if place.host == "docker.io" else [place.host]
            words = ["docker", "login", "-u", place.user, "--password-stdin", *host]
            run(*words, env=self.env, input=self.passwords[place])
        for name, (layers, size) in IMAGES.items():
            lines = "FROM busybox\n" + "".join(f"RUN head -c {size} /dev/urandom > /{n}\n" for n in range(layers))
            run("docker", "build", "-q", "-t", f"{SINGLE.prefix}/{name}:v1", "-", env=self.env, input=lines)
            self._name(SINGLE, name)

    def _name(self, source, name):
        """Gives an image its name at every place."""
        for place in [*self.places, SINGLE]:
            run("docker", "tag", f"{source.prefix}/{name}:v1", f"{place.prefix}/{name}:v1", env=self.env)

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
        return timed(lambda: run("docker", "push", "-q", f"{place.prefix}/ten:v1", env=self.env))

    def _empty(self, place):
        root = "/var/lib/registry/docker/registry/v2"
        name = f"{place.prefix.partition('/')[2]}/ten"
        held = f"{root}/repositories/{'' if place == SINGLE else '*/'}{name}"
        script = f"rm -rf {held}; find {root}/blobs -name data -size +10M -delete"
        run(*self.docker, "exec", self._machine(place), "sh", "-c", script)
        self.on(
            "workstation",
            "sh",
            "-c",
            "rm -rf /var/lib/docker/image/overlay2/distribution/v2metadata-by-diffid/*/* || true",
        )

    def pull(self, place):
        """Seconds of `docker pull` by an engine that has none of it, and is given it back for the next push."""
        run("docker", "rmi", *(f"{each.prefix}/ten:v1" for each in [*self.places, SINGLE]), env=self.env)
        took = timed(lambda: run("docker", "pull", "-q", f"{place.prefix}/ten:v1", env=self.env))
        self._name(place, "ten")
        return took

    def blobs(self, place, name, times, at_once):
        account = (place.user, self.passwords.get(place, ""))
        told = self.on(
            "workstation", "python3", "-c", READ, f"{place.prefix}/{name}:v1", str(times), str(at_once), *account
        )
        return float(told)

    def _machine(self, place):
        return ALONE if place == SINGLE else self.lab.parts["edge"].id

    def used(self, place):
        """Processor seconds of what serves there, since it started."""
        return processor.of_containers(self.engine, [self._machine(place)])

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


KINDS = {
    "`docker push` of 200 MB in ten layers": (lambda bench, place: bench.push(place), 0.9),
    "`docker pull` of the same": (lambda bench, place: bench.pull(place), 0.9),
    "its blobs down, over one connection, five times": (lambda bench, place: bench.blobs(place, "ten", 5, 1), 0.75),
    "100 pulls at once of 2 MB in two layers, by a client without an engine": (
        lambda bench, place: bench.blobs(place, "two", 1, 100),
        0.85,
    ),
}
"""What is measured, and how fast the edge is to be: the time alone ÷ the time with it."""


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--registry", choices=[*PLACES, "all"], default="hub")
    options.add_argument("--write", action="store_true", help="write docs/performance.md")
    chosen = options.parse_args()
    keys = list(PLACES) if chosen.registry == "all" else [chosen.registry]
    bench = Bench(keys)
    places = [*bench.places, SINGLE]
    times = {kind: {place: [] for place in places} for kind in KINDS}
    costs = {kind: {place: [] for place in places} for kind in KINDS}
    memory = {}
    try:
        bench.up()
        for place in places:
            run("docker", "push", "-q", f"{place.prefix}/two:v1", env=bench.env)
        for number in range(chosen.runs):
            turned = places[number % len(places) :] + places[: number % len(places)]  # none always comes first
            for (
                place
            ) in turned:  # one after the other: a push into an empty registry takes the layers of the others away
                for kind, (work, _) in KINDS.items():
                    before = bench.used(place)
                    times[kind][place].append(work(bench, place))
                    costs[kind][place].append(bench.used(place) - before)
        for place in bench.places:  # apart from the others: to look costs time
            for kind, (work, _) in KINDS.items():
                memory[kind, place] = bench.memory(lambda w=work, p=place: w(bench, p))
    finally:
        bench.down()
    medians = {kind: {place: statistics.median(found) for place, found in times[kind].items()} for kind in KINDS}
    spent = {kind: {place: statistics.median(found) for place, found in costs[kind].items()} for kind in KINDS}
    if chosen.registry == "all":
        lines = compared(keys, medians, spent, memory)
    else:
        lines = alone(bench.places[0], medians, spent, memory)
    print("\n".join(lines))
    if chosen.write and chosen.registry == "all":
        write_all(lines, chosen.runs)
    elif chosen.write:
        write(lines, chosen, memory)


def alone(place, medians, spent, memory):
    """A line for each kind of work at one registry."""
    lines = []
    for kind, (_, aim) in KINDS.items():
        edge, single = medians[kind][place], medians[kind][SINGLE]
        most, _ = memory[kind, place]
        lines.append(
            f"| {kind} | {edge:.2f} s | {single:.2f} s | {single / edge:.2f} × (aim: {aim} ×) "
            f"| {spent[kind][place]:.2f} and {spent[kind][SINGLE]:.2f} s | {most:.0f} MiB (aim: 64 MiB) |"
        )
    return lines


def compared(keys, medians, spent, memory):
    """A line for each registry: times and ratios of each kind of work."""
    lines = []
    for key in keys:
        place = PLACES[key]
        cells = [
            f"{medians[kind][place]:.2f} s, {medians[kind][SINGLE] / medians[kind][place]:.2f} ×" for kind in KINDS
        ]
        cost = sum(spent[kind][place] for kind in KINDS) / sum(spent[kind][SINGLE] for kind in KINDS)
        most = max(memory[kind, place][0] for kind in KINDS)
        lines.append(f"| {key} | {' | '.join(cells)} | {cost:.2f} × | {most:.0f} MiB |")
    cells = [f"{medians[kind][SINGLE]:.2f} s" for kind in KINDS]
    return [*lines, f"| Distribution alone | {' | '.join(cells)} | 1 × | |"]


def write_all(lines, runs):
    aims = " | ".join(f"aim: {aim} ×" for _, aim in KINDS.values())
    table = "\n".join(
        [
            "| registry | push of 200 MB | pull of the same | its blobs, five times | 100 pulls at once | processor | memory |",
            "|---|---|---|---|---|---|---|",
            f"| | {aims} | | aim: 64 MiB |",
            *lines,
        ]
    )
    page.put(
        "Each registry",
        f".venv/bin/python bench/edge.py --registry all --runs {runs} --write",
        f"""Every registry of the lab that takes pushes, compared with Distribution alone, measured alternately in one run:
medians in seconds, and the time alone ÷ the time there. The work is that of "The edge". Each is signed in to as its vendor's
commands do it; docker asks for a token where the vendor has tokens, and sends the password with each request where not
(Nexus, Amazon ECR). Processor seconds are of all four together, as multiples of those of Distribution alone.

{table}
""",
    )


def write(lines, chosen, memory):
    last = [end for _, end in memory.values()][-1]
    table = "\n".join(
        [
            "| what | with the edge | alone | the edge's speed | processor | its memory |",
            "|---|---|---|---|---|---|",
            *lines,
        ]
    )
    named = "" if chosen.registry == "hub" else f" --registry {chosen.registry}"
    page.put(
        f"The edge{' as ' + chosen.registry if named else ''}",
        f".venv/bin/python bench/edge.py --runs {chosen.runs}{named} --write",
        f"""The lab's registries compared with Distribution alone: the same version, with its own TLS, measured alternately in
one run. The values are medians. The client is the workstation, which uses the same cores. Speed is the time alone ÷ the time
with the edge. Processor seconds are those of the serving container, with the edge and alone; they vary less than times.

{table}

Memory is the most that nginx and the edge had of their own (RssAnon) during the measurement; at the end it was {last:.0f} MiB.
The store is not included. Memory under attack is measured by `tests/attacks/test_protocol_proxy.py`.
Where the time goes, and why bodies go past Python: [decision 15](decisions/0015-bodies-past-python.md).
""",
    )


if __name__ == "__main__":
    main()
