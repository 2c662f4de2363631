"""Small modules, each by its values."""

import hashlib
import json
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from labkit.cli.main import COMMANDS, cli
from labkit.cli.output import COLORS, colored, progress
from labkit.edge import rules
from labkit.edge.log import AccessLog
from labkit.edge.shelf import Shelf, summary
from labkit.errors import LabError
from labkit.grading.report import CheckResult, ExerciseResult, Outcome, Report
from labkit.lab import contexts, find
from labkit.lab import plan as topology
from labkit.lab.engine import capabilities, processes
from labkit.lab.engine import engines as engine
from labkit.lab.lifecycle import pki
from labkit.lab.looking.observe import sign_ins
from labkit.view import render
from labkit.work import answers, attempts

HOSTILE = '<script>alert("x")</script>\n\u202eevil\x1b[31m'


def report(**texts):
    check = CheckResult("c", "A claim.", Outcome.NOT_YET, 2, **texts)
    return Report("0", "lab", "v", "t", (ExerciseResult("01-x", HOSTILE, (check,)),))


def test_hostile_text_is_shown_as_text():
    made = report(found=HOSTILE, message=HOSTILE, why=HOSTILE, expected=HOSTILE)
    html, text = render.report(made), made.text()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    for shown in (html, text):
        assert "\u202e" not in shown
        assert "\x1b" not in shown
    assert "\\u202eevil" in text


def test_each_check_has_one_line_with_its_outcome():
    checks = tuple(CheckResult(outcome.value, "  ✓ A claim.", outcome, 1, message="  ✗ x") for outcome in Outcome)
    made = Report("0", "lab", "v", "t", (ExerciseResult("01-x", "T", checks), ExerciseResult("02-y", "U", ())))
    assert [line.outcome for line in made.lines() if line.outcome] == list(Outcome)
    assert "\n".join(line.text for line in made.lines()) == made.text()
    assert made.text().endswith("\n\n02-y  U  0/0 points")


def test_steps_as_json_and_an_error_that_ends_them(capsys):
    with pytest.raises(SystemExit) as end, progress("json", 2) as say:
        say("one")
        say("two")
        say("three")
        raise LabError("It broke.", "labkit up")
    assert end.value.code == 2
    first, second, third, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert [(told["step"], told["of"], told["text"]) for told in (first, second, third)] == [
        (1, 2, "one"),
        (2, 2, "two"),
        (3, 3, "three"),
    ]
    assert isinstance(first["seconds"], float)
    assert last == {"error": "It broke.", "fix": "labkit up"}


def test_an_unknown_command_is_told_with_the_near_one():
    result = CliRunner().invoke(cli, ["chekc"])
    assert result.exit_code == 2
    assert "labkit has no command 'chekc': did you mean check?" in result.output


def test_the_command_colors_every_outcome():
    assert set(COLORS) == set(Outcome)
    colored_report = colored(report(found="  ✓ passed  is what stands there"))
    assert colored_report.count("\x1b[33m") == colored_report.count("\x1b[") / 2 == 1


def test_exit_codes():
    def code(*outcomes):
        checks = tuple(CheckResult("c", "A.", one, 1) for one in outcomes)
        return Report("", "", "", "", (ExerciseResult("x", "x", checks),)).exit_code

    assert code(Outcome.PASSED) == 0
    assert code(Outcome.PASSED, Outcome.NOT_YET) == 1
    assert code(Outcome.CONVERGING, Outcome.BLOCKED) == 1
    assert code(Outcome.PASSED, Outcome.ERROR) == 2


def test_attempts_are_appended_and_a_torn_line_is_survived(tmp_path):
    attempts.keep_attempt(tmp_path, report())
    file = tmp_path / attempts.FILE
    file.write_bytes(file.read_bytes() + b'{"kind": "att')
    attempts.keep_hint(tmp_path, "01-x", "c", 1)
    records, damaged = attempts.read(tmp_path)
    assert [one["kind"] for one in records] == ["attempt", "hint"]
    assert damaged == 1
    assert attempts.hints_taken(tmp_path, "01-x", "c") == 1
    attempts.keep_reset(tmp_path, ["01-x"])
    assert attempts.hints_taken(tmp_path, "01-x", "c") == 0


def test_attempts_that_cannot_be_kept_are_told(tmp_path):
    (tmp_path / ".labkit").write_text("a file where a folder should be")
    with pytest.raises(LabError, match="could not be kept"):
        attempts.keep_attempt(tmp_path, report())


def test_answers_are_kept_beside_each_other(tmp_path):
    answers.save(tmp_path, "06", {"a": "1"})
    answers.save(tmp_path, "06", {"b": "2", "a": " "})
    assert answers.load(tmp_path) == {"06": {"a": "1", "b": "2"}}
    answers.forget(tmp_path, "06")
    assert answers.load(tmp_path) == {}
    (tmp_path / answers.FILE).write_text("[1, 2]")
    assert answers.load(tmp_path) == {}


def test_who_may_do_what():
    hub, private = rules.registries()["hub"], rules.registries()["private"]
    assert hub.allowed(None, "myusername/myapp", True) == {"pull"}
    assert hub.allowed(None, "myusername/myapp", False) == set()
    assert hub.allowed("myusername", "myusername/myapp", False) == {"push"}
    assert hub.allowed("myusername", "colleague/myapp", True) == {"pull"}
    assert hub.allowed("myusername", "library/busybox", True) == {"pull"}
    assert hub.allowed("myusername", "myusername", True) == {"pull"}
    assert private.allowed(None, "team/myapp", True) == set()
    assert private.allowed("colleague", "team/myapp", False) == {"pull", "push"}


def test_scopes_and_challenges():
    assert rules.parse_scope("repository:a/b:pull,push") == ("a/b", {"pull", "push"})
    assert rules.parse_scope("repository:host:5000/a:pull") == ("host:5000/a", {"pull"})
    assert rules.parse_scope("registry:catalog:*") is None
    assert rules.parse_scope("nonsense") is None
    told = rules.registries()["hub"].challenge("repository:a:push", "insufficient_scope")
    assert told.startswith('Bearer realm="https://auth.docker.io/token",service="registry.docker.io"')
    assert told.endswith('error="insufficient_scope"')


def test_tokens_are_forgotten_in_order():
    tokens = rules.Tokens(most=2)
    first = tokens.issue(rules.Token("hub", "a"))
    second = tokens.issue(rules.Token("hub", "b"))
    tokens.issue(rules.Token("hub", "c"))
    assert tokens.read(first) is None
    assert tokens.read(second).user == "b"


def test_the_access_log_counts_on_after_a_restart_and_a_torn_line(tmp_path):
    file = tmp_path / "log" / "access.jsonl"
    log = AccessLog(file)
    log.add(action="login", status=200)
    log.close()
    with file.open("a") as out:
        out.write('{"seq": 2, "act')
    again = AccessLog(file)
    assert again.add(action="push", status=401)["seq"] == 2
    assert again.add(action="push", status=401)["seq"] == 2  # an engine asks once a layer
    assert again.add(action="push", status=200)["seq"] == 3
    again.close()
    last = AccessLog(file)
    assert [one["seq"] for one in last.entries] == [1, 2, 3]
    last.close()


def store(tmp_path, repository, tags, manifest):
    """Distribution's folder with one manifest under these tags."""
    content = json.dumps(manifest).encode()
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    value = digest.removeprefix("sha256:")
    root = tmp_path / "docker/registry/v2"
    blob = root / "blobs/sha256" / value[:2] / value
    blob.mkdir(parents=True)
    (blob / "data").write_bytes(content)
    for tag in tags:
        folder = root / "repositories/hub" / repository / "_manifests/tags" / tag / "current"
        folder.mkdir(parents=True)
        (folder / "link").write_text(digest)
    return digest


def test_the_shelf_reads_the_stores_folder(tmp_path):
    digest = store(tmp_path, "me/app", ["a", "b"], {"layers": [{"digest": "sha256:1", "size": 7}], "config": None})
    (tmp_path / "docker/registry/v2/repositories/hub/me/empty/_manifests/tags").mkdir(parents=True)
    shelf = Shelf(tmp_path)
    assert shelf.repositories("hub") == {"me/app": {"a": digest, "b": digest}}
    assert shelf.exists("hub", "me/app") and not shelf.exists("hub", "me/empty") and not shelf.exists("hub", "x")
    assert shelf.manifests({digest, "sha256:absent"})[digest]["size"] == 7
    shelf.remove("hub", "me/app")
    assert shelf.repositories("hub") == {}
    shelf.remove("hub", "../../../..")
    assert tmp_path.exists()


@pytest.mark.parametrize(
    "manifest", [None, [], 7, {}, {"config": 3}, {"layers": "x"}, {"manifests": [3]}, {"config": {}}]
)
def test_strange_manifests_are_read(manifest):
    assert summary(manifest, lambda _: {"config": {"Labels": [1]}})["kind"] in ("unknown", "artifact", "index", "image")


def test_sign_ins_are_told_without_their_secrets():
    auth = {"auth": "c2VjcmV0"}
    assert sign_ins({"auths": {"a": auth, "nobody.registry.lab": {}, "b": {}}}) == ["a"]
    assert sign_ins({"auths": {"b": {}, "nobody.registry.lab": {}}, "credsStore": "pass"}) == ["b"]
    assert sign_ins({"credHelpers": {"c": "pass"}}) == ["c"]
    assert sign_ins({"auths": ["x"], "credHelpers": 3}) == []
    assert sign_ins({}) == []


def test_keys_open_only_their_own_doors(tmp_path):
    import ssl

    pki.make(tmp_path)
    for machine in topology.machines(topology.MAX_WORKERS):
        for key in (tmp_path / machine.name / "pki").glob("*-key.pem"):
            assert key.stat().st_mode & 0o077 == 0
    client = ssl.create_default_context(cafile=str(tmp_path / "client/ca.pem"))
    client.load_cert_chain(tmp_path / "client/cert.pem", tmp_path / "client/key.pem")
    authorities = {(tmp_path / "edge/pki" / name).read_text() for name in ("lab-ca.pem", "hub-ca.pem", "store-ca.pem")}
    assert len(authorities) == 3
    before = (tmp_path / "client/key.pem").read_bytes()
    pki.make(tmp_path)
    assert (tmp_path / "client/key.pem").read_bytes() == before


def test_missing_capabilities_are_read_from_the_bounding_set(tmp_path):
    status, last = tmp_path / "status", tmp_path / "last"
    last.write_text("40\n")
    status.write_text("Name:\tx\nCapBnd:\t000001ffffffffff\n")
    assert capabilities.missing(status, last) == []
    status.write_text("CapBnd:\t000001fffeffffff\n")
    assert capabilities.missing(status, last) == ["SYS_RESOURCE"]
    assert capabilities.missing(tmp_path / "none", last) == []


def test_the_engine_that_the_docker_cli_would_use(tmp_path, monkeypatch):
    for name in ("LABKIT_ENGINE", "DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert engine.chosen() is None
    (tmp_path / "config.json").write_text('{"currentContext": "colima"}')
    meta = tmp_path / "contexts/meta/abc"
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text('{"Name": "colima", "Endpoints": {"docker": {"Host": "unix:///colima.sock"}}}')
    assert engine.chosen() == ("unix:///colima.sock", "Docker context colima")
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    assert engine.chosen() == ("tcp://127.0.0.1:1", "DOCKER_HOST")
    monkeypatch.setenv("LABKIT_ENGINE", "unix:///mine.sock")
    assert engine.chosen() == ("unix:///mine.sock", "LABKIT_ENGINE")


def test_the_labs_own_contexts_are_not_taken_for_the_learners(monkeypatch):
    for name in ("LABKIT_ENGINE", "DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(contexts.folder()))
    monkeypatch.setenv("HOME", "/nonexistent")
    assert engine.chosen() is None


def test_what_a_lab_lacks():
    def part(name, state="running"):
        return find.Part("id", name, "node" if "work" in name else name, state, "10.0.0.1", 1, "image")

    names = ("edge", "store", "workstation", "worker1", "worker2")
    lab = find.Lab(engine.Engine("unix:///x"), "lab", {name: part(name) for name in names})
    assert lab.missing == []
    assert find.Lab(lab.engine, "lab", {**lab.parts, "worker1": part("worker1", "exited")}).missing == ["worker1"]
    with pytest.raises(LabError, match="worker3 is not running"):
        lab.wire("worker3")


def test_a_detached_process_outlives_its_starter_and_is_ended(tmp_path):
    log = tmp_path / "log"
    pid = processes.detach([sys.executable, "-c", "print('hello', flush=True); import time; time.sleep(60)"], log)
    assert processes.alive(pid)
    processes.end(pid)
    assert not processes.alive(pid)
    assert processes.last_words(tmp_path / "nothing") == "it printed nothing"
    assert pid != os.getpid()


@pytest.mark.parametrize("verb", sorted(COMMANDS))
def test_every_verb_has_help_with_an_example(verb):
    result = CliRunner().invoke(cli, [verb, "--help"])
    assert result.exit_code == 0
    assert f"Example: labkit {verb}" in " ".join(result.output.split()) or verb == "env", result.output


def test_the_readme_names_no_verb_that_is_not_there():
    import re

    text = (Path(__file__).parents[2] / "README.md").read_text()
    verbs = set(re.findall(r"\./lab ([a-z]+)", text)) | set(re.findall(r"`labkit ([a-z]+)", text))
    assert verbs - {"test"} <= set(COMMANDS)
