"""A full disk, and files of labkit's own that are damaged: nothing is lost, nothing ends in a traceback."""

import contextlib
import json
import os
import shutil
import subprocess

import psutil
import pytest
from helpers import until
from lives import UP, Place

from labkit.errors import LabError
from labkit.lab import contexts
from labkit.lab.lifecycle import pki
from labkit.lab.plan import Plan
from labkit.work import answers, attempts, files


@pytest.fixture(scope="module")
def place(engine, tmp_path_factory):
    made = Place(engine, tmp_path_factory.mktemp("files"), f"{os.environ['LABKIT_LAB']}-files")
    yield made
    made.labkit("down", check=0)
    made.assert_nothing_left()


@pytest.fixture
def up(place):
    """The lab, up."""
    if len(place.machines) < 3 or not place.keeper():
        place.up()
    return place


@contextlib.contextmanager
def small_disk(folder, size):
    """A real disk of that size there."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder):
    with contextlib.suppress(OSError), (folder / "full").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def set_aside(folder, name):
    return [one.name for one in folder.glob(f"{name}.damaged-*")]


# ── a full disk ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.fault("the disk of the learner's folder is full at `up`", "no lab is created; the printed advice works")
def test_a_full_disk_for_the_work_folder(place, tmp_path):
    place.labkit("down", check=0)
    with small_disk(tmp_path / "disk", "32k") as disk:
        told = place.labkit(*UP, LABKIT_WORK=str(disk / "work"), check=2).stderr
        assert "could not be prepared: No space left on device" in told
        assert "LABKIT_WORK=/elsewhere labkit up" in told
        place.assert_nothing_left()
        assert not [one for one in disk.rglob("*.ipynb") if not one.stat().st_size]
        place.up()  # another folder, as the advice says
    assert place.labkit("status").returncode == 0
    assert all(one.stat().st_size for one in place.work.glob("*.ipynb"))


@pytest.mark.fault("the disk was full and has space again", "`up` creates the notebooks that are missing or empty")
def test_a_disk_that_was_full(tmp_path):
    with small_disk(tmp_path / "disk", "16k") as disk:
        with pytest.raises(LabError, match="No space left on device"):
            files.prepare(disk)
        (disk / "06-practice.ipynb").write_text("")  # as older versions left them
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        assert "06-practice.ipynb" in files.prepare(disk).added
        assert all(one.stat().st_size for one in disk.glob("*.ipynb"))
        assert not list(disk.rglob("*.partial"))


@pytest.mark.fault(
    "the disk of the state folder is full at `up`", "nothing of the lab is left; the printed advice works"
)
def test_a_full_disk_for_the_state_folder(place, tmp_path):
    place.labkit("down", check=0)
    with small_disk(tmp_path / "disk", "32k") as disk:
        told = place.labkit(*UP, LABKIT_STATE=str(disk / "state"), check=2).stderr
        assert "The lab's keys could not be written: No space left on device" in told
        assert "LABKIT_STATE=/elsewhere labkit up" in told
        place.assert_nothing_left()
        place.up()  # another folder, as the advice says
    assert place.labkit("status").returncode == 0


@pytest.mark.fault(
    "the disk is full when an attempt is saved", "the verdict is shown, with a note that it was not saved"
)
def test_a_full_disk_at_check(place, tmp_path):
    place.labkit("down", check=0)
    with small_disk(tmp_path / "disk", "4m") as disk:
        place.labkit(*UP, LABKIT_WORK=str(disk), check=0)
        fill(disk)
        checked = place.labkit("check", "02-tag", check=1)
        assert "02-tag" in checked.stdout and "points" in checked.stdout
        assert "This attempt could not be saved." in checked.stderr
        assert "No space left on device" in checked.stderr
        assert json.loads(place.labkit("check", "02-tag", "--json", check=1).stdout)["exercises"]
        hint = place.labkit("hint", "02-tag", "tagged", check=0)
        assert "Hint 1 of" in hint.stdout and "could not be recorded" in hint.stderr
        assert "could not be saved" in place.labkit("answer", "06-practice", "ci=b", check=2).stderr
        (disk / "full").unlink()
        place.labkit("check", "02-tag", check=1)
        assert [one["kind"] for one in attempts.read(disk)[0]] == ["attempt"]
        place.labkit("down", check=0)


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def another_labs(keys):
    other = keys.parents[2] / "another"
    pki.make(other, Plan("another"))
    for file in contexts.KEYS:
        shutil.copyfile(other / "client" / file, keys / file)
    shutil.rmtree(other)


KEYS = [
    pytest.param(
        lambda keys: (keys / "key.pem").write_text(""),
        id="empty-key",
        marks=pytest.mark.fault("key.pem is empty", "it is set aside; `up` uses docker's copy; the lab goes on"),
    ),
    pytest.param(
        lambda keys: (keys / "ca.pem").write_text("garbage\n"),
        id="garbage-ca",
        marks=pytest.mark.fault("ca.pem contains garbage", "it is set aside; `up` uses docker's copy; the lab goes on"),
    ),
    pytest.param(
        another_labs,
        id="another-labs",
        marks=pytest.mark.fault(
            "the keys belong to another lab", "they are set aside; `up` uses docker's copy; the lab goes on"
        ),
    ),
]


@pytest.mark.parametrize("damage", KEYS)
def test_damaged_keys(up, damage):
    before = up.machines
    damage(up.state / "pki" / "client")
    broken = up.labkit("status", check=2).stdout
    assert "labkit up   (it repairs the lab)" in broken
    up.labkit("check", "02-tag", check=2)
    told = up.up().stderr
    assert f"{up.state / 'pki' / 'client'} is damaged (it does not fit the lab)" in told
    assert set_aside(up.state / "pki", "client")
    assert up.machines == before
    assert up.labkit("status").returncode == 0
    up.labkit("check", "02-tag", check=1)


@pytest.mark.fault("all copies of the keys are damaged", "they are set aside, and `up` creates the lab again")
def test_keys_that_are_lost(up):
    before = up.machines
    for key in up.state.rglob("key.pem"):
        key.write_text("")
    told = up.up().stderr
    assert f"{up.state / 'pki'} is damaged (it does not fit the lab)" in told
    assert "removing the lab's machines" in told
    assert not set(up.machines.values()) & set(before.values())
    assert len(up.keeper()) == 1
    assert up.labkit("status").returncode == 0


# ── the learner's records ────────────────────────────────────────────────────────────────────────────────────────────


DEEP = "[" * 100_000
GOOD = '{"kind": "hint", "time": "2026-01-01T10:00:00+00:00", "exercise": "02-tag", "check": "tagged", "number": 1}'
ODD = [
    '{"kind": "attempt", "time": "torn',
    "7",
    '{"kind": "attempt", "results": ["02-tag"]}',
    '{"kind": "attempt", "results": {"02-tag": 7}}',
    '{"kind": {}, "exercise": []}',
    '{"kind": "reset", "exercises": 7}',
    '{"kind": "hint", "exercise": {"a": 1}}',
    '{"kind": "opened", "exercise": "02-tag", "x": ' + DEEP,
    "\x00\x1b[31m",
]
PANEL = 'from labkit.jupyter.notebook import panel; print(repr(panel("02-tag")))'


@pytest.mark.fault(
    "the attempts file has odd lines", "they are set aside and the others stay; panel, hint and check go on"
)
def test_odd_lines_among_the_attempts(up):
    file = up.work / attempts.FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    for command in (("check", "02-tag"), ("hint", "02-tag", "tagged"), None):
        file.unlink(missing_ok=True)
        file.write_text("\n".join([GOOD, *ODD, GOOD]))
        if command:
            told = up.labkit(*command).stderr
        else:
            shown = up.bash(f"python -c '{PANEL}'")
            assert "02-tag" in shown.stdout, shown.stderr
            told = shown.stderr
        assert "Traceback" not in told
        assert f"{file} is damaged ({len(ODD)} of its {len(ODD) + 2} lines cannot be read)" in told
        assert file.read_text().startswith(f"{GOOD}\n{GOOD}\n")
        kept = set_aside(file.parent, file.name)
        assert kept and kept[0] in told
        records, damaged = attempts.read(up.work)
        assert damaged == 0 and len(records) >= 2
        for name in kept:
            assert ODD[0] in (file.parent / name).read_text()
            (file.parent / name).unlink()


@pytest.mark.fault("answers.json is nested too deep, empty, or not a table", "it is set aside and created again")
@pytest.mark.parametrize("content", ['{"06-practice": ' + DEEP, "", '{"06-practice": ["not", "a", "map"]}'])
def test_a_damaged_answers_file(up, content):
    file = up.work / answers.FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    for command, code in ((("check", "06-practice"), 1), (("observe",), 0), (("answer", "06-practice", "ci=b"), 0)):
        file.write_text(content)
        told = up.labkit(*command, check=code).stderr
        assert f"{file} is damaged" in told
    assert json.loads(file.read_text()) == {"06-practice": {"ci": "b"}}
    assert len(set_aside(file.parent, file.name)) >= 3
    for name in set_aside(file.parent, file.name):
        (file.parent / name).unlink()


# ── what a running lab keeps ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.fault("docker's config.json is damaged", "it is set aside, and docker uses the workstation again at once")
def test_a_damaged_docker_config(up):
    file = contexts.folder(up.state) / "config.json"
    file.write_text('{"auths": ' + DEEP)
    told = up.labkit("check", "01-login", check=1).stderr
    assert f"{file} is damaged (it is nested too deeply)" in told
    assert set_aside(file.parent, file.name)
    named = up.bash("docker info --format '{{.Name}}'")
    assert named.stdout == "workstation\n", named.stderr


@pytest.mark.fault(
    "a docker context's meta.json is damaged", "docker reaches nothing with it; `up` sets it aside and creates it again"
)
def test_a_damaged_docker_context(up):
    for meta in contexts.folder(up.state).glob("contexts/meta/*/meta.json"):
        meta.write_text('{"Name": 7')
    assert up.bash("docker info").returncode != 0
    assert "meta.json is damaged" in up.up().stderr
    named = up.bash("docker info --format '{{.Name}}' && docker --context worker1 info --format '{{.Name}}'")
    assert named.stdout.split() == ["workstation", "worker1"], named.stderr


@pytest.mark.fault(
    "keeper.pid is damaged", "it is set aside; the running keeper is found, and there is never a second one"
)
def test_a_damaged_keepers_number(up):
    before = [one.pid for one in up.keeper()]
    (up.state / "keeper.pid").write_text("-7 or so")
    assert f"{up.state / 'keeper.pid'} is damaged" in up.up().stderr
    assert [one.pid for one in up.keeper()] == before
    assert int((up.state / "keeper.pid").read_text()) == before[0]
    (up.state / "keeper.pid").write_text("")
    up.labkit("down", check=0)
    up.assert_nothing_left()


@pytest.mark.fault("guests.port is damaged", "it is set aside; guests get answers again after the next invitation")
@pytest.mark.fault(
    "a guest's invitation is damaged",
    "it is set aside, and the guest reads whom to ask; the next invitation replaces it",
)
def test_damaged_files_of_guests(up, tmp_path):
    folder = tmp_path / "guest"
    guest = {"LABKIT_GUEST": str(folder)}
    up.labkit("invite", str(folder), check=0)
    up.labkit("status", check=0, **guest)
    (folder / "guest.json").write_text('{"owner": ' + DEEP)
    (up.state / "guests.port").write_text("seven")
    refused = up.labkit("status", check=2, **guest).stderr
    assert f"{folder / 'guest.json'} is damaged" in refused
    assert f"ask the lab's owner: labkit invite {folder}" in refused
    told = up.labkit("invite", str(folder), check=0).stderr
    assert f"{up.state / 'guests.port'} is damaged" in told
    assert set_aside(folder, "guest.json") and set_aside(up.state, "guests.port")
    up.labkit("status", check=0, **guest)
    assert len(up.keeper()) == 1


@pytest.mark.fault(
    "JupyterLab's record of itself is damaged", "it is set aside; JupyterLab is found, and `down` ends it"
)
def test_a_damaged_record_of_jupyterlab(up):
    url = next(line.split()[1] for line in up.labkit(*UP[:2], check=0).stdout.splitlines() if "JupyterLab:" in line)
    records = list((up.state / "jupyter").glob("jpserver-*.json"))
    assert len(records) == 1
    server = psutil.Process(int(records[0].stem.removeprefix("jpserver-")))
    records[0].write_text('["nothing"]')
    told = up.labkit("status", "--json", check=0)
    start = "/lab/tree/00-start.ipynb?"
    assert json.loads(told.stdout)["jupyter"].replace("/lab?", start) == url
    assert f"{records[0]} is damaged" in told.stderr
    assert url in up.labkit(*UP[:2], check=0).stdout
    up.labkit("down", check=0)
    until(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE, "JupyterLab's end")
    up.assert_nothing_left()
