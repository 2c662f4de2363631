"""Runs the command and shells as a learner does."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

FIVE = """\
docker login -u myusername -p mypassword
docker tag myapp:latest myusername/myapp:v1.0.0
docker push myusername/myapp:v1.0.0
docker pull myusername/myapp:v1.0.0
docker service create --name myapp --replicas 3 myusername/myapp:v1.0.0
"""
GUIDED = ("01-login", "02-tag", "03-push", "04-pull", "05-deploy")
"""The lesson's commands as printed, and the exercises that they do."""


def labkit(*words, env=None, check=None, timeout=180, **options):
    """Runs the labkit command in a process of its own."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-m", "labkit", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=timeout,
        **options,
    )
    assert "Traceback" not in result.stderr, result.stderr
    if check is not None:
        assert result.returncode == check, result.stdout + result.stderr
    return result


def labkit_json(*words, **options):
    return json.loads(labkit(*words, **options).stdout)


def shell(lab, script, **options):
    """Runs lines in bash, in the lab's environment, as after `eval "$(labkit env)"`."""
    from labkit.lab import environment

    lines = environment.shell_lines(lab) + script
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", lines],
        env={**os.environ, "PATH": path, "DOCKER_HOST": "tcp://nowhere.invalid:1"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=180,
        **options,
    )


def assert_one_error(result, *texts):
    """The command ended with exit status 2, one problem and a fix, and these texts are in them."""
    assert result.returncode == 2
    lines = result.stderr.strip().splitlines()
    problem = next(line for line in lines if line.startswith("✗ "))
    fix = lines[lines.index(problem) + 1]
    assert fix.startswith("  → "), result.stderr
    for text in texts:
        assert text in problem + fix, result.stderr


ATTEMPT = """const told = {};
  const late = () => new Promise((done) => setTimeout(() => done('neither done nor refused in 20 s'), 20_000));
  const attempt = async (what, work) => {
    try { told[what] = String(await Promise.race([work(), late()])) } catch (error) { told[what] = 'refused' } };"""
"""For a hostile page: what came of each attempt, by name. One that nothing comes of is no refusal, and holds nobody up."""


def until(condition, what, seconds=60.0):
    """Waits for a state, with a deadline."""
    import time

    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds:.0f} s"
        time.sleep(0.05)
    return value
