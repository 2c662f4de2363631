"""Crafted input to the grader: whatever a file holds, `labkit check --observation` says what is wrong with it, and exits with 2."""

import json
import os

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from world import World, solved

from labkit.cli.main import cli
from labkit.content import exercises
from labkit.errors import LabError
from labkit.grading.grade import grade
from labkit.seen.observation import Observation, seal
from labkit.text import dumps

GOOD = json.loads(solved().observation.dump())


def sealed(**changes):
    """A good observation with this written over it, sealed again."""
    data = {**GOOD, **changes}
    return json.dumps({**data, "seal": seal(data)}).encode()


def nested(depth, inner="1", around=("[", "]")):
    return (around[0] * depth + inner + around[1] * depth).encode()


def check(file, *words):
    return CliRunner().invoke(cli, ["check", "--observation", str(file), *words])


def refused(told, reason):
    """Exit 2 (1 would mean “not yet”), one sentence and the next command, no traceback, no points."""
    assert told.exit_code == 2, (told.output, told.exception)
    assert reason in told.stderr, told.stderr
    assert told.stderr.count("\n") == 2
    assert len(told.stderr) < 800
    assert told.stdout == ""
    assert isinstance(told.exception, SystemExit)


LOG = {"events": [], "resets": [{"seq": 1, "time": 1, "exercises": []}]}
CONTENTS = [
    pytest.param(b"", "is not an observation", "an empty file", id="empty"),
    pytest.param(sealed()[:-200], "is not an observation", "a file that is cut off", id="truncated"),
    pytest.param(b"\xff\xfe\x00{", "it is not text", "bytes that are not UTF-8", id="bytes"),
    pytest.param(nested(200_000), "is not an observation", "arrays nested 200,000 deep", id="deep"),
    pytest.param(
        nested(900, "1", ('{"schema":', "}")),
        "has schema",
        "a schema that is a table nested 900 deep",
        id="deep-schema",
    ),
    pytest.param(b'{"schema": 99}', "has schema 99; this labkit can read 1 to", "a schema of the future", id="future"),
    pytest.param(b'{"schema": true}', "has schema True", "a truth value as the schema", id="truth"),
    pytest.param(b'{"schema": "' + b"x" * 100_000 + b'"}', "has schema 'xxx", "100 kB as the schema", id="long-schema"),
    pytest.param(b'{"schema": NaN}', "'NaN' is not a number", "NaN", id="nan"),
    pytest.param(b'{"schema": 2, "taken": 1e999}', "'1e999' is not a number", "an endless number", id="infinite"),
    pytest.param(
        b'{"schema": 2, "x": ' + b"9" * 5000 + b"}", "is not an observation", "a number of 5,000 digits", id="digits"
    ),
    pytest.param(b'{"schema": 2, "schema": 1}', "it says 'schema' twice", "the same name twice", id="twice"),
    pytest.param(b"[]", "it has no schema number", "another JSON value", id="list"),
    pytest.param(sealed(extra=1), "is damaged", "an unknown field", id="field"),
    pytest.param(sealed(engines=[1]), "is damaged", "a list in place of a table", id="type"),
    pytest.param(sealed(log={**LOG, "events": [None] * 9}), "is damaged", "null in place of the events", id="events"),
    pytest.param(
        sealed(log={"events": [], "resets": [{**LOG["resets"][0], "time": 10**400}]}),
        "is damaged",
        "a time of 400 digits",
        id="time",
    ),
    pytest.param(
        json.dumps({**GOOD, "taken": "x"}).encode(), "its seal does not match", "a seal that does not match", id="seal"
    ),
    pytest.param(
        json.dumps({**GOOD, "seal": [[]]}).encode(), "its seal does not match", "a seal in another form", id="odd-seal"
    ),
    pytest.param(b'{"schema": 1}', "is damaged", "an old schema with no content", id="old"),
    pytest.param(sealed(schema=1), "is damaged", "a new observation that claims an old schema", id="downgraded"),
]


@pytest.mark.parametrize(
    "content, reason",
    [
        pytest.param(
            *one.values[:2], marks=pytest.mark.attack("files", one.values[2], "one sentence, exit 2"), id=one.id
        )
        for one in CONTENTS
    ],
)
def test_a_crafted_observation_is_told_in_a_sentence(tmp_path, content, reason):
    file = tmp_path / "o.json"
    file.write_bytes(content)
    refused(check(file), reason)
    assert file.read_bytes() == content


def a_folder(path):
    path.mkdir()


def a_pipe(path):
    os.mkfifo(path)


def a_gigabyte(path):
    path.touch()
    os.truncate(path, 2**30)  # not on the disk


def a_device(path):
    path.symlink_to("/dev/zero")


def a_circle(path):
    path.symlink_to(path)


def nothing(path):
    pass


@pytest.mark.parametrize(
    "make, reason",
    [
        pytest.param(
            make,
            reason,
            marks=pytest.mark.attack("files", tried, "one sentence, exit 2; it neither waits nor reads"),
            id=make.__name__,
        )
        for make, reason, tried in [
            (a_folder, "cannot be read", "a folder instead of an observation"),
            (a_pipe, "it is not a file", "a pipe that nobody writes to"),
            (a_gigabyte, "it has 1,073,741,824 bytes", "a file of 1 GB"),
            (a_device, "it is not a file", "a device that never ends"),
            (a_circle, "cannot be read", "a link to itself"),
            (nothing, "cannot be read", "a file that does not exist"),
        ]
    ],
)
def test_what_is_no_file_is_told_in_a_sentence(tmp_path, make, reason):
    file = tmp_path / "o.json"
    make(file)
    refused(check(file), reason)


@pytest.mark.attack("files", "a file name with escapes and a newline", "shown as text")
def test_the_name_of_a_file_is_only_a_name(tmp_path):
    told = check(tmp_path / "\x1b[31m\n✓ passed \u202e")
    refused(told, "\\u001b[31m\\u000a✓ passed \\u202e cannot be read")
    assert not any(char in told.output for char in "\x1b\u202e")


HALF = "half a pair: \ud800"


@pytest.mark.attack(
    "files",
    "half a surrogate pair in a label, a name and an answer",
    "stored as an escape, graded and shown as text",
)
def test_half_a_pair_breaks_nothing(tmp_path):
    world = World().image("workstation", "mine", ["myusername/webapp:v1.0.0"], labels={HALF: HALF})
    world.data["answers"] = {"06-practice": {"ci": HALF, "reflection": HALF}}
    world.data["lab"]["name"] = HALF
    text = world.observation.dump()
    assert text.encode() and "\\ud800" in text
    assert Observation.parse(text) == world.observation
    file = tmp_path / "o.json"
    file.write_text(text)
    for words in ((), ("--json",)):
        told = check(file, *words)
        assert told.exit_code == 1
        assert told.exception is None or isinstance(told.exception, SystemExit)
    assert json.loads(told.stdout)["lab"] == HALF


TEXTS = st.text(st.characters(codec=None, categories=None), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.sampled_from([10**400, -1, 1e308]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def places(value, path=()):
    """The path of every value below this one."""
    yield path
    for key, below in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(below, (*path, key))


PLACES = list(places(GOOD))


def written_over(path, value):
    data = json.loads(json.dumps(GOOD))
    if not path:
        return value
    there = data
    for key in path[:-1]:
        there = there[key]
    there[path[-1]] = value
    return data


def judged(text):
    """Graded, or refused with a sentence; nothing else."""
    try:
        seen = Observation.parse(text)
    except LabError as error:
        assert error.what and len(str(error)) < 1000
        return
    report = grade(exercises.every(), seen, "a workshop")
    assert json.loads(dumps(report.to_json())) == json.loads(json.dumps(report.to_json()))
    assert all(line.text.isprintable() for line in report.lines())
    assert all(0 <= one.earned <= one.points for one in report.exercises)
    dumps(report.to_json()).encode()
    seen.dump().encode()


MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@MANY
@given(st.sampled_from(PLACES), VALUES)
@example(("lab", "person", "username"), "\ud800")
@example(("log", "events", 0, "seq"), 10**400)
@example(("schema",), 1)
@pytest.mark.attack(
    "files",
    "any value in any place of an observation, resealed (hypothesis)",
    "graded, or refused in a sentence",
)
def test_any_value_in_any_place(path, value):
    data = written_over(path, value)
    if isinstance(data, dict):
        data["seal"] = seal(data)
    judged(json.dumps(data))


@MANY
@given(st.binary(max_size=60) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes(content):
    judged(content)
