#!/usr/bin/env python3
"""Load on the classroom: learners who change a verdict every ten seconds, by HTTPS, and a board that is watched.

    .venv/bin/python bench/classroom.py --both --write       # 200 learners, 5 minutes with each database
    .venv/bin/python bench/classroom.py --learners 50 --seconds 30
    .venv/bin/python bench/classroom.py --database postgresql://postgres@/postgres?host=/tmp/pg

The classroom runs in a process of its own, as `labkit classroom up` starts it. Prints errors, the time of an answer (median,
95th percentile, longest), how long it took until the board showed the change, and what the server used.
"""

import argparse
import asyncio
import contextlib
import json
import random
import ssl
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import page
import psutil

from labkit.classroom import playing
from labkit.classroom.playing import Move
from labkit.lab.owner import workshop as keys

EVERY = 10.0
"""Seconds between two changes of one learner."""


def started(folder: Path, learners: int, database: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
    (folder / "roster.csv").write_bytes(playing.roster(learners))
    words = [
        sys.executable,
        "-m",
        "labkit",
        "classroom",
        "up",
        "--workshop",
        "bench",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--json",
        "--no-labs",
    ]
    words += [
        "--folder",
        str(folder),
        "--learners",
        str(folder / "roster.csv"),
        *(["--database", database] if database else []),
    ]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    text = ""
    while not text.endswith("}\n"):
        line = process.stdout.readline()
        assert line, "the classroom did not start"
        text += line
    return process, json.loads(text)


class Load:
    def __init__(self, told: dict[str, str], seconds: float) -> None:
        self.told, self.until = told, time.monotonic() + seconds
        self.folder = Path(told["folder"])
        self.key = keys.read(self.folder / "workshop.key")
        self.broker = {"Authorization": f"Bearer {(self.folder / 'broker.token').read_text()}"}
        tls = ssl.create_default_context(cafile=str(self.folder / "tls/ca.pem"))
        limits = httpx.Limits(max_connections=300, max_keepalive_connections=300)
        self.web = httpx.AsyncClient(base_url=told["address"], verify=tls, trust_env=False, timeout=30, limits=limits)
        self.times: list[float] = []
        self.errors: list[str] = []
        self.boards: list[float] = []
        self.watched: dict[int, float] = {}
        """{learner: when a change of theirs was acknowledged that the board has not shown yet}"""

    async def learner(self, number: int) -> None:
        """One learner: right and wrong in turn, in one of five exercises."""
        slug = list(playing.recorded().attempts)[number % 5]
        held = playing.recorded()
        attempts = (held.wrong(slug)[0], held.right(slug)[0])
        ident, turn = f"learner{number + 1:03d}", 0
        whose = self.key.person(ident)
        await asyncio.sleep(random.uniform(0, EVERY))
        while time.monotonic() < self.until:
            move = Move(timedelta(), number, slug, attempts[turn % 2])
            text = self.key.signed(playing.observation(move, whose, datetime.now(UTC))).dump()
            begun = time.monotonic()
            try:
                asked = {"observation": text, "exercises": [slug], "learner": ident}
                answer = await self.web.post("/api/results", json=asked, headers=self.broker)
                if answer.status_code != 200 or not answer.json()["changed"]:
                    self.errors.append(answer.text[:200])
            except httpx.HTTPError as error:
                self.errors.append(repr(error))
            ended = time.monotonic()
            self.times.append(ended - begun)
            if turn < 2:
                self.watched[number] = ended
            turn += 1
            await asyncio.sleep(max(0.0, EVERY - (ended - begun)))

    async def board(self) -> None:
        """Notes how long after an acknowledged change of a learner's the board's row of theirs differs: of the first wrong and
        the first right one, as later ones change no row (the best counts)."""
        await self.web.post(self.told["instructor"].removeprefix(self.told["address"]))
        rows: dict[int, str] = {}
        async with self.web.stream("GET", "/board/events", timeout=60) as stream:
            async for line in stream.aiter_lines():
                if not line.startswith("data: "):
                    continue
                parts = json.loads(line[6:]).split('data-key="row-')[1:]
                new = {int(one.partition('"')[0]): one.partition("</tr>")[0] for one in parts}
                for number, key in enumerate(sorted(new)):  # in the order of the roster
                    if number in self.watched and key in rows and new[key] != rows[key]:
                        self.boards.append(time.monotonic() - self.watched.pop(number))
                rows = new
                if time.monotonic() > self.until:
                    return

    async def run(self, learners: int) -> None:
        watching = asyncio.create_task(self.board())
        await asyncio.gather(*(self.learner(number) for number in range(learners)))
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await self.web.aclose()


def part(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] if times else float("nan")


def measured(learners: int, seconds: float, database: str) -> dict[str, str]:
    """{what: what was measured}, with one database."""
    with tempfile.TemporaryDirectory(prefix="labkit-bench-") as folder:
        process, told = started(Path(folder), learners, database)
        try:
            server, begun = psutil.Process(process.pid), time.monotonic()
            load = Load(told, seconds)
            asyncio.run(load.run(learners))
            spent, cpu = time.monotonic() - begun, sum(server.cpu_times()[:2])
            memory = server.memory_info().rss
        finally:
            process.terminate()
            process.wait(20)
            process.stdout.close()
    for error in sorted(set(load.errors))[:5]:
        print(f"  {error}", file=sys.stderr)
    median, most, longest = (1000 * part(load.times, share) for share in (0.5, 0.95, 1))
    soon, last = part(load.boards, 0.95), part(load.boards, 1)
    return {
        "results, errors": f"{len(load.times)}, {len(load.errors)}",
        "an answer: median": f"{median:.0f} ms",
        "an answer: 95th percentile (aim: 300 ms)": f"{most:.0f} ms",
        "an answer: the longest": f"{longest:.0f} ms",
        "the board shows a change, 95th percentile (aim: 2 s)": f"{soon:.2f} s of {len(load.boards)}",
        "changes that it did not show": f"{len(load.watched)}",
        "the same, the longest": f"{last:.2f} s",
        "the classroom's process": f"{cpu / spent:.0%} of a core, {memory / 2**20:.0f} MiB",
    }


def main() -> None:
    asks = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asks.add_argument("--learners", type=int, default=200)
    asks.add_argument("--seconds", type=float, default=300)
    asks.add_argument("--database", default="", help="the URL of a PostgreSQL; SQLite without")
    asks.add_argument("--both", action="store_true", help="SQLite, and a PostgreSQL of its own")
    asks.add_argument("--write", action="store_true")
    asked = asks.parse_args()
    with contextlib.ExitStack() as there:
        databases = {"SQLite" if not asked.database else "PostgreSQL": asked.database}
        if asked.both:
            sys.path.append(str(page.ROOT / "tests" / "unit"))
            import postgres

            databases["PostgreSQL"] = there.enter_context(postgres.running()).url
        found = {name: measured(asked.learners, asked.seconds, url) for name, url in databases.items()}
    rows = [f"| {what} | {' | '.join(one[what] for one in found.values())} |" for what in next(iter(found.values()))]
    table = "\n".join([f"| | {' | '.join(found)} |", "|---" * (len(found) + 1) + "|", *rows])
    print(table)
    if asked.write:
        words = f"--learners {asked.learners} --seconds {asked.seconds:.0f}{' --both' if asked.both else ''} --write"
        told = f"""{asked.learners} learners, each with another verdict every {EVERY:.0f} s for {asked.seconds:.0f} s,
signed and handed in by HTTPS, and one board that is watched. What makes this load (signing, one process) and the database run
on the same cores.

{table}
"""
        page.put("The classroom", f"bench/classroom.py {words}", told)


if __name__ == "__main__":
    main()
