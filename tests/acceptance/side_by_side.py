"""Several labs side by side, and one queue of attempts that they all take from: a slow attempt holds up one lab only."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil

from labkit.content import exercises

ROOT = Path(__file__).parents[2]
MEMORY = 700 * 2**20
"""Bytes that a lab may come to need."""
LABS_PER_CORE = 2
"""Attempts wait for the Swarm most of the time (docs/grading.md)."""
TIME_LIMIT = "90m"
"""A lab ends by itself after that, should this process be killed."""


def affordable():
    """How many labs this machine carries at once."""
    cores = len(os.sched_getaffinity(0))
    return max(1, min(LABS_PER_CORE * cores, psutil.virtual_memory().available // MEMORY))


@contextlib.contextmanager
def labs(count, env, scratch):
    """The environments of `count` labs: of that in `env`, which runs, and of others beside it, gone afterwards."""
    envs = [env]
    for number in range(1, count):
        envs.append(
            env
            | {
                "LABKIT_LAB": f"{env.get('LABKIT_LAB', 'registry-lab')}-corpus{number}",
                "LABKIT_STATE": str(scratch / f"state{number}"),
                "LABKIT_WORK": str(scratch / f"work{number}"),
            }
        )
    before = signal.signal(signal.SIGTERM, _end)
    try:
        up = ["up", "--detach", "--no-jupyter", "--time-limit", TIME_LIMIT]
        failed = [told for code, told in _side_by_side(up, envs[1:]) if code]
        assert not failed, "\n".join(failed)
        yield envs
    finally:
        left = [told for code, told in _side_by_side(["down"], envs[1:]) if code]
        signal.signal(signal.SIGTERM, before)
    assert not left, "\n".join(left)


def _end(*_):
    """Who is asked to end takes the labs down first."""
    sys.exit(143)


def _side_by_side(arguments, envs):
    """Runs labkit once for each lab; [(exit status, what it printed)]."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "labkit", *arguments],
            env=env,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for env in envs
    ]
    told = [process.communicate()[0] for process in started]
    return [(process.returncode, text) for process, text in zip(started, told, strict=True)]


def play_all(ids, envs, command):
    """Has each lab's worker play what comes next, until nothing is left. Yields the results as they come, as JSON values.

    An attempt whose worker broke has the key "broke"; the other labs play on.
    """
    todo, done = queue.SimpleQueue(), queue.SimpleQueue()
    for attempt in [
        *sorted(set(ids) - set(apart(ids)), reverse=True),
        *apart(ids),
    ]:  # the long ones of the last exercises first
        todo.put(attempt)
    threads = [threading.Thread(target=_serve, args=(todo, done, env, command), daemon=True) for env in envs]
    for thread in threads:
        thread.start()
    for _ in ids:
        while True:
            try:
                result = done.get(timeout=1)
                break
            except queue.Empty:
                if not any(thread.is_alive() for thread in threads) and done.empty():
                    raise RuntimeError(f"no worker is left, and {todo.qsize()} attempts are") from None
        yield result
    for thread in threads:
        thread.join()


def apart(ids):
    """Attempts at exercises with a machine of their own. They come last: from then on every reset has that machine to clear, too."""
    return sorted(one for one in ids if exercises.load(one.partition("/")[0]).extras)


def _serve(todo, done, env, command):
    with subprocess.Popen(
        command, env=env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        errors = []
        reader = threading.Thread(target=lambda: errors.append(process.stderr.read()), daemon=True)
        reader.start()
        try:
            while True:
                attempt = todo.get_nowait()
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.write(attempt + "\n")
                    process.stdin.flush()
                line = process.stdout.readline()
                if not line:
                    process.wait()
                    reader.join()
                    done.put(
                        {"id": attempt, "broke": f"the worker of {env.get('LABKIT_LAB')} ended: {errors[0][-2000:]}"}
                    )
                    return
                done.put(json.loads(line))
        except queue.Empty:
            pass
        finally:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
