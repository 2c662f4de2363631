"""Notebook, command and pytest: three doors, one verdict."""

import json
import os
import re
import subprocess
import sys
from xml.etree import ElementTree

from helpers import ROOT, labkit, labkit_json, shell


def pytest_door(lab, slug):
    """What `pytest exercises/SLUG` says in a learner's shell: {check: (passed, text)} and its exit status."""
    from labkit.lab import environment

    junit = lab.work / "junit.xml"
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={junit}", f"exercises/{slug}"],
        cwd=ROOT,
        env={**environment.process(lab), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    cases = {}
    for case in ElementTree.parse(junit).iter("testcase"):
        failure = case.find("failure")
        properties = {one.get("name"): one.get("value") for one in case.iter("property")}
        text = "" if failure is None else failure.text
        cases[case.get("name")] = (failure is None, text, properties)
    return result, cases


def notebook_door(slug):
    from labkit import check

    return check(slug).report


def test_the_three_doors_agree(lab):
    shell(lab, "docker login -u myusername -p mypassword && docker tag myapp:latest myusername/myapp:1.0.0")
    shell(lab, "docker push myusername/myapp:1.0.0")
    for slug in ("01-login", "02-tag", "03-push", "05-deploy"):
        command = labkit_json("check", slug, "--json")["exercises"][0]
        notebook = notebook_door(slug)
        result, cases = pytest_door(lab, slug)
        assert notebook.to_json()["exercises"][0] == command
        assert list(cases) == [one["id"] for one in command["checks"]]
        assert (result.returncode == 0) == (command["earned"] == command["points"])
        for one in command["checks"]:
            passed, text, properties = cases[one["id"]]
            assert passed == (one["outcome"] == "passed")
            assert properties["diagnosis"] == one["diagnosis"]
            assert properties["outcome"] == one["outcome"]
            if not passed:
                assert one["message"] in text
                assert one["message"] in notebook.text()


def test_the_json_has_the_agreed_shape(lab):
    report = labkit_json("check", "03-push", "--json", check=1)
    assert report["schema"] == 1
    assert {"labkit", "lab", "time", "exercises"} <= set(report)
    exercise = report["exercises"][0]
    assert {"slug", "title", "points", "earned", "checks", "not_asked"} == set(exercise)
    wanted = {"id", "claim", "outcome", "points", "earned", "expected", "found", "diagnosis", "message", "hint"}
    for one in exercise["checks"]:
        assert wanted <= set(one)
        assert one["outcome"] in ("passed", "not_yet", "converging", "blocked", "error")


def test_a_kept_observation_gives_the_same_report_to_the_byte(lab, tmp_path):
    labkit("solve", "03-push", check=0)
    file = tmp_path / "o.json"
    file.write_text(labkit("observe", check=0).stdout)
    one = labkit("check", "--observation", str(file), "--json")
    env = {
        "LABKIT_ENGINE": "unix:///nowhere",
        "DOCKER_HOST": "",
        "XDG_STATE_HOME": str(tmp_path),
        "HOME": str(tmp_path),
    }
    elsewhere = labkit("check", "--observation", str(file), "--json", env=env)
    assert one.stdout == elsewhere.stdout
    assert json.loads(one.stdout)["exercises"][2]["earned"] == 4
    assert one.returncode == elsewhere.returncode == 1


def test_an_observation_holds_no_secret(lab):
    shell(lab, "docker login -u myusername -p mypassword")
    seen = labkit("observe", check=0).stdout
    assert json.loads(seen)["sign_ins"]["here"], "there is a password to be kept out"
    assert "mypassword" not in seen
    assert "bXl1c2VybmFtZTpteXBhc3N3b3Jk" not in seen
    assert "PRIVATE KEY" not in seen


def test_env_sets_up_a_shell(lab):
    lines = labkit("env", check=0).stdout
    assert "export DOCKER_CONFIG=" in lines
    assert "unset DOCKER_HOST" in lines
    assert "export DOCKER_HOST" not in lines
    assert "DOCKER_CONTEXT=worker1" in labkit("env", "worker1", check=0).stdout
    for machine in ("workstation", "worker1"):
        told = subprocess.run(
            ["bash", "-c", labkit("env", machine).stdout + "docker info --format '{{.Name}}'"],
            env={**os.environ, "DOCKER_HOST": "tcp://nowhere.invalid:1"},
            capture_output=True,
            text=True,
        )
        assert told.stdout.strip() == machine, told.stderr


def test_shell_runs_on_that_machine(lab):
    result = subprocess.run(
        [sys.executable, "-m", "labkit", "shell", "worker1"],
        input="hostname; docker info --format '{{.Swarm.LocalNodeState}}'; env | grep -c KEYS\n",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert result.stdout.splitlines() == ["worker1", "active", "0"], result.stderr


def test_a_sign_in_on_the_machine_itself_counts(lab):
    result = subprocess.run(
        [sys.executable, "-m", "labkit", "shell", "workstation"],
        input="echo mypassword | docker login -u myusername --password-stdin\n",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert "Login Succeeded" in result.stdout, result.stderr
    labkit("check", "01-login", check=0)


def test_hints_come_one_at_a_time_and_are_counted(lab):
    from labkit.work import attempts as progress

    told = [labkit("hint", "03-push", check=0).stdout for _ in range(4)]
    assert ["Hint 1 of 3" in told[0], "Hint 2 of 3" in told[1], "Hint 3 of 3" in told[2]] == [True] * 3
    assert told[3] == told[2]
    assert progress.hints_taken(lab.work, "03-push", "in_hub") == 3
    labkit("reset", "03-push", check=0)
    assert progress.hints_taken(lab.work, "03-push", "in_hub") == 0
    labkit("solve", "03-push", check=0)
    assert "03-push is complete" in labkit("hint", "03-push", check=0).stdout


def test_reset_takes_an_exercise_back_and_leaves_the_others(lab):
    labkit("solve", "05-deploy", check=0)
    labkit("solve", "04-pull", check=0)
    labkit("reset", "05-deploy", check=0)
    assert labkit_json("check", "05-deploy", "--json")["exercises"][0]["earned"] == 0
    labkit("check", "01-login", "02-tag", "03-push", "04-pull", check=0)
    labkit("reset", "04", check=0)
    assert labkit_json("check", "04-pull", "--json")["exercises"][0]["earned"] == 0
    labkit("check", "01-login", "02-tag", "03-push", check=0)
    labkit("reset", "03", check=0)
    assert labkit_json("check", "03-push", "--json")["exercises"][0]["earned"] == 0
    labkit("check", "01-login", "02-tag", check=0)
    labkit("reset", "02", check=0)
    assert labkit_json("check", "02-tag", "--json")["exercises"][0]["earned"] == 0
    labkit("check", "01-login", check=0)
    labkit("reset", "01", check=0)
    assert labkit_json("check", "01-login", "--json")["exercises"][0]["earned"] == 0
    labkit("solve", "06-practice", check=0)
    labkit("reset", "06-practice", check=0)
    assert labkit_json("check", "06-practice", "--json")["exercises"][0]["earned"] == 0


def test_watch_redraws_on_a_terminal(lab):
    """The whole report each time, in place of the last one."""
    import pty

    screen, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "labkit", "check", "02-tag", "--watch"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
        stdout=terminal,
    )
    os.close(terminal)
    shown = b""

    def read(word):
        nonlocal shown
        while word not in shown:
            shown += os.read(screen, 65536)

    read(b"0/3 points")
    shell(lab, "docker tag myapp:latest myusername/myapp:v1.0.0")
    read(b"3/3 points")
    assert process.wait(timeout=30) == 0
    first, cleared, last = shown.decode().partition("\x1b[2J\x1b[1;1H")
    assert "0/3 points" in first and cleared
    assert last.startswith("\x1b[") or "02-tag" in last.splitlines()[0]
    assert "3/3 points" in last and "0/3 points" not in last
    os.close(screen)


def test_watch_prints_what_changes_and_ends_when_all_is_passed(lab):
    from labkit.work import attempts

    known = len(attempts.read(lab.work)[0])
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "labkit", "check", "02-tag", "--watch"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    first = process.stdout.readline()
    assert "0/3 points" in first
    shell(lab, "docker tag myapp:latest myusername/myapp:v1.0.0")
    rest, _ = process.communicate(timeout=30)
    assert "3/3 points" in rest
    unchanged = "Image" if "Image" in first else first.strip()
    assert unchanged not in rest.partition("Compare with")[0].splitlines(), "what is as before is not printed again"
    assert process.returncode == 0
    earned = [
        record["results"]["02-tag"]["earned"] for record in attempts.read(lab.work)[0][known:] if "results" in record
    ]
    assert earned == [0, 3], "only a change of the verdict is an attempt"


def test_the_solution_is_offered_when_done_and_not_before(lab):
    refused = labkit("solve", "02-tag", "--show", check=2)
    assert "02-tag is not done yet" in refused.stderr
    labkit("solve", "02-tag", check=0)
    assert "labkit solve 02-tag --show" in labkit("check", "02-tag", check=0).stdout
    assert labkit("solve", "02-tag", "--show", check=0).stdout == "docker tag myapp:latest myusername/myapp:v1.0.0\n"


def test_status_shows_what_is_there(lab):
    labkit("solve", "05-deploy", check=0)
    state = labkit_json("status", "--json", check=0)
    assert state["state"] == "up"
    assert {"edge", "workstation", "worker1", "worker2"} <= set(state["machines"])  # tests before may have added others
    assert list(state["registries"]["hub"]["myusername/myapp"]) == ["v1.0.0"]
    assert state["services"]["myapp"]["replicas"] == 3
    text = labkit("status", check=0).stdout
    assert "myusername/myapp: v1.0.0" in text
    assert "myapp: 3 of 3 run myusername/myapp:v1.0.0" in text


def test_doctor_finds_this_machine_fit(lab):
    told = labkit("doctor", check=0).stdout
    assert "✓ engine" in told
    assert "✓ image" in told


def test_a_new_exercise_is_accepted_by_verify(lab, tmp_path):
    import shutil

    course = tmp_path / "course"
    for folder in ("exercises", "solutions", "notebooks"):
        shutil.copytree(ROOT / folder, course / folder)
    env = {"LABKIT_COURSE": str(course)}
    made = labkit("new", "07-example", env=env, check=0).stdout
    assert str(course / "exercises" / "07-example" / "checks.py") in made
    told = labkit("verify", "07-example", env=env, check=0).stdout
    assert told.count("✓") == 9, told
    assert "already exists" in labkit("new", "07-example", env=env, check=2).stderr
    script = course / "solutions" / "07-example" / "wrong-nothing.sh"
    script.write_text("# expect: tag-typo\ntrue\n")
    wrong = labkit("verify", "07-example", env=env, check=1).stdout
    assert "✗ 07-example   wrong-nothing.sh is told as tag-typo: expected tag-typo, found ['tag-none']" in wrong
    labkit("notebooks", env=env, check=0)
    assert (course / "notebooks" / "07-example.ipynb").exists()


QUIZ = """
[[quiz]]
id = "which"
ask = "Which?"
right = "d"
choices = { a = "this", b = "that" }
"""


def test_verify_says_what_is_wrong_with_an_exercise(lab, tmp_path):
    """A question without a right answer, a diagnosis that there is not, a check that holds in a cleared lab, and a solution that
    cannot be run twice."""
    course = tmp_path / "course"
    env = {"LABKIT_COURSE": str(course)}
    (course / "exercises").mkdir(parents=True)
    labkit("new", "07-example", env=env, check=0)
    exercise, solution = course / "exercises" / "07-example", course / "solutions" / "07-example"
    with (exercise / "exercise.toml").open("a") as settings:
        settings.write(QUIZ)
    checks = exercise / "checks.py"
    gone = """

@check()
def gone(lab: Scope) -> None:
    \"\"\"The workstation has no image named old.\"\"\"
    if lab.workstation.image(Reference.parse("old:latest")):
        fail("tag-nome", expected="no image", found="old:latest")
"""
    checks.write_text(checks.read_text() + gone)
    (solution / "solve.sh").write_text("set -e\nmkdir once\ndocker tag myapp:latest example:latest\n")
    (solution / "wrong-nothing.sh").write_text("# expect: tag-nome\ntrue\n")
    told = labkit("verify", "07-example", env=env, check=1).stdout
    assert "07-example/checks.py, line 19: 'tag-nome' is no diagnosis (did you mean tag-none?)" in told
    assert "which: the right answer 'd' is no choice (the choices are a, b)" in told
    assert "✗ 07-example   unsolved: no check passes: gone passes in a cleared lab" in told
    assert "✓ 07-example   solved: every check passes" in told
    assert "✗ 07-example   solved twice: the same: the second run: The solution of 07-example failed" in told
    assert "✗ 07-example   wrong-nothing.sh says what it must get: 'tag-nome' is no diagnosis" in told


def shown(language, first):
    """The piece of the authors' page that begins with this line."""
    page = (ROOT / "docs" / "authoring.md").read_text()
    return re.search(rf"```{language}\n({re.escape(first)}\n.*?)```", page, re.DOTALL)[1]


def test_what_must_be_gone_as_the_authors_page_shows_it(lab, tmp_path):
    course = tmp_path / "course"
    env = {"LABKIT_COURSE": str(course)}
    (course / "exercises").mkdir(parents=True)
    labkit("new", "07-tidy", env=env, check=0)
    (course / "exercises/07-tidy/checks.py").write_text(shown("python", "# exercises/07-tidy/checks.py"))
    (course / "exercises/07-tidy/diagnoses.toml").write_text(shown("toml", "# exercises/07-tidy/diagnoses.toml"))
    settings = 'needs = []\nsees = ["registries", "engines", "log"]\n\n[reset]\nrepositories = ["myapp"]\nimages = ["*/myapp"]\n'
    (course / "exercises/07-tidy/exercise.toml").write_text(settings)
    push = "docker login -u myusername -p mypassword\ndocker tag myapp:latest myusername/myapp:v1.0.0\n"
    push += "docker push myusername/myapp:v1.0.0\n"
    solution = course / "solutions/07-tidy"
    for file in solution.glob("*.sh"):
        file.unlink()
    (solution / "solve.sh").write_text(f"{push}docker image rm myusername/myapp:v1.0.0\n")
    ways = {
        "wrong-nothing": "# expect: in_hub=push-none gone=blocked\n",
        "wrong-only-removed": "# expect: in_hub=push-none gone=blocked\n"
        + push.split("docker push")[0]
        + "docker image rm myusername/myapp:v1.0.0\n",
        "wrong-kept": f"# expect: in_hub=passed gone=tidy-left\n{push}",
    }
    for name, text in ways.items():
        (solution / f"{name}.sh").write_text(text)
    labkit("verify", "07-tidy", env=env, check=0)
