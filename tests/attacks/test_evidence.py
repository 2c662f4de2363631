"""What a mark is worth: observations that are forged, copied or late, another's values, the right answers."""

import base64
import copy
import json
import tomllib
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from guests import Made, guest_of
from test_plan import NAMES, lab
from world import World, solved_by

from labkit import session
from labkit.cli.main import cli
from labkit.content import exercises, personal, quiz, sealed
from labkit.errors import LabError
from labkit.grading.grade import grade
from labkit.lab import environment
from labkit.lab.access import Guest
from labkit.lab.looking.observe import observe
from labkit.lab.owner import operations, workshop
from labkit.lab.plan import Plan
from labkit.seen import signature
from labkit.seen.claims import Claims
from labkit.seen.observation import Observation, seal
from labkit.work import answers

NOON = "2027-03-05T12:00:00+00:00"
COURSE = ("01", "02", "03", "04", "05")


class Graded:
    """A workshop with its key, and what its owner signed of the labs of Ada, who has done all, and Bob, who has done nothing."""

    def __init__(self, folder):
        self.file, self.folder = folder / "spring.key", folder
        self.public = workshop.new(self.file, "spring")
        self.key = workshop.read(self.file)
        self.done, self.undone = solved_by(self.key.person("Ada")), World()
        self.undone.data["lab"]["person"] = msgspec.to_builtins(self.key.person("Bob"))

    def signed(self, seen=None, taken=NOON, **changes):
        """As `labkit observe` prints it."""
        changed = msgspec.structs.replace(seen or self.done, taken=taken, **changes)
        return json.loads(self.key.signed(changed).dump())

    def graded(self, data, *words, learner="Ada", resealed=True):
        """What the instructor's command says of this file."""
        file = self.folder / "handed-in.json"
        if isinstance(data, dict):
            data = json.dumps({**data, "seal": seal(data)} if resealed else data)
        file.write_text(data)
        asked = ("--observation", str(file), "--learner", learner, "--signed-by", str(self.public))
        return CliRunner().invoke(cli, ["check", *COURSE, *asked, *words])


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    return Graded(tmp_path_factory.mktemp("workshop"))


def refused(told, reason):
    """Exit 2, one sentence and what to do, and no points."""
    assert told.exit_code == 2, told.output
    assert reason in told.stderr
    assert told.stderr.count("\n") == 2
    assert told.stdout == ""


def test_what_the_owner_signed_counts(graded):
    told = graded.graded(graded.signed(), "--json")
    assert told.exit_code == 0, told.output
    report = json.loads(told.stdout)
    assert report["seen_by"]["signed_by"] == f"spring ({graded.key.public.public})"
    assert report["seen_by"]["learner"] == "Ada"
    text = graded.graded(graded.signed()).stdout
    assert f"This is Ada's lab at {NOON}, signed by the workshop spring (" in text


def test_without_a_key_nobody_vouches_for_it(graded, tmp_path):
    file = tmp_path / "o.json"
    file.write_text(graded.done.dump())
    told = CliRunner().invoke(cli, ["check", *COURSE, "--observation", str(file)])
    assert told.exit_code == 0
    assert "No workshop's signature was checked" in told.stdout
    assert session.regraded(COURSE, file).to_json()["seen_by"]["signed_by"] == ""


# ── forged observations ──────────────────────────────────────────────────────────────────────────────────────────────


def never_signed(graded, data):
    return json.loads(graded.done.dump())


def without_signature(graded, data):
    del data["signature"]
    return data


def learners_own_key(graded, data):
    folder = graded.folder / "own"
    folder.mkdir(exist_ok=True)
    if not (folder / "spring.key").exists():
        workshop.new(folder / "spring.key", "spring")
    return json.loads(workshop.read(folder / "spring.key").signed(graded.done).dump())


def learners_own_key_under_the_workshops_name(graded, data):
    forged = learners_own_key(graded, data)
    forged["signature"]["key"] = graded.key.public.public
    return forged


def signature_of_another(graded, data):
    other = graded.signed(graded.undone.observation)
    return {**json.loads(graded.done.dump()), "signature": other["signature"]}


def no_signature_at_all(graded, data):
    data["signature"] = {**data["signature"], "value": "?" * 10}
    return data


def odd_signature(graded, data):
    data["signature"] = [data["signature"]]
    return data


def done_by_editing(graded, data):
    undone = graded.signed(graded.undone.observation)
    return {**undone, **{name: data[name] for name in ("registries", "engines", "swarm", "log", "sign_ins", "lab")}}


def another_moment(graded, data):
    return {**data, "taken": "2027-03-05T13:00:00+00:00"}


def another_learner(graded, data):
    data["lab"]["person"]["learner"] = "Bob"
    return data


def answers_of_later(graded, data):
    data["answers"] = {"06-practice": {"ci": "b"}}
    return data


def a_sign_in_of_later(graded, data):
    data["sign_ins"]["here"] = {"registry.lab:5000": ""}
    return data


def sections_of_two(graded, data):
    return {**data, "engines": graded.signed(graded.undone.observation)["engines"]}


def an_older_schema(graded, data):
    return {**data, "schema": 1}


def another_workshops_name(graded, data):
    data["signature"]["workshop"] = "autumn"
    return data


CHANGED = "was changed after it was signed"
FORGED = [
    (never_signed, "an observation that was edited and resealed, never signed", "is not signed"),
    (without_signature, "a signed observation without its signature", "is not signed"),
    (learners_own_key, "an observation signed with the learner's own workshop key", "signed with a different key"),
    (learners_own_key_under_the_workshops_name, "the same, claiming the workshop's public key", CHANGED),
    (signature_of_another, "an observation with the owner's signature of another one", CHANGED),
    (no_signature_at_all, "a signature that is not base64", CHANGED),
    (odd_signature, "a signature in another form", "is not signed"),
    (done_by_editing, "a signed observation of an empty lab, with the work added later", CHANGED),
    (another_moment, "a signed observation with another time", CHANGED),
    (another_learner, "somebody else's observation, with the learner's name written in", CHANGED),
    (answers_of_later, "answers corrected after the observation was signed", CHANGED),
    (a_sign_in_of_later, "a sign-in added after the observation was signed", CHANGED),
    (sections_of_two, "sections from two signed observations in one", CHANGED),
    (an_older_schema, "a signed observation that claims an older schema, to be read differently", CHANGED),
    (another_workshops_name, "another workshop's name above the signature", CHANGED),
]


@pytest.mark.parametrize(
    "forge, reason",
    [
        pytest.param(
            forge,
            reason,
            marks=pytest.mark.attack(
                "evidence", tried, f"exit 2: it {reason.lower()}" if reason == CHANGED else f"exit 2: “{reason} …”"
            ),
            id=forge.__name__,
        )
        for forge, tried, reason in FORGED
    ],
)
def test_a_forged_observation_is_refused(graded, forge, reason):
    data = forge(graded, copy.deepcopy(graded.signed()))
    for learner in ("Ada", "Bob"):
        refused(graded.graded(data, learner=learner), reason)


@pytest.mark.attack(
    "evidence",
    "the same name twice in a signed file: some readers take the first, some the last",
    "exit 2: the name is there twice",
)
def test_a_name_that_is_said_twice_is_refused(graded):
    text = json.dumps(graded.signed())
    twice = text[:-1] + ', "taken": "2027-03-05T13:00:00+00:00"}'
    refused(graded.graded(twice), "it says 'taken' twice")


@pytest.mark.attack(
    "evidence", "handing in another learner's signed observation", "exit 2: it says whose lab it is from"
)
def test_a_copied_observation_is_refused(graded):
    refused(graded.graded(graded.signed(), learner="Bob"), "not from Bob's lab in this workshop. It is from Ada")


@pytest.mark.parametrize(
    "words, reason",
    [
        pytest.param(
            ("--since", "2027-03-05T13:00Z"),
            "too old",
            marks=pytest.mark.attack(
                "evidence", "handing in an earlier signed observation again", "exit 2: it is too old"
            ),
            id="replayed",
        ),
        pytest.param(
            ("--until", "2027-03-05T11:00Z"),
            "too late",
            marks=pytest.mark.attack("evidence", "an observation from after the deadline", "exit 2: it is too late"),
            id="late",
        ),
    ],
)
def test_the_moment_counts(graded, words, reason):
    refused(graded.graded(graded.signed(), *words), f"is {reason}: it was taken at {NOON}")
    inside = ("--since", "2027-03-05T11:59:59Z", "--until", "2027-03-05T12:00:01Z")
    assert graded.graded(graded.signed(), *inside).exit_code == 0


@pytest.mark.attack(
    "evidence",
    "a sign-in that only the learner's own configuration claims",
    "the report marks the check as resting on the learner's word",
)
def test_what_rests_on_the_learners_word_is_told_apart(graded):
    name = graded.key.person("Ada").username
    claimed = msgspec.structs.replace(graded.done, sign_ins={}).claiming(
        Claims(here={"https://index.docker.io/v1/": name})
    )
    found = {}
    for seen in (
        claimed,
        msgspec.structs.replace(graded.done, sign_ins={"worker1": {"https://index.docker.io/v1/": name}}),
    ):
        told = json.loads(graded.graded(graded.signed(seen), "--json").stdout)
        checks = {one["id"]: one for one in told["exercises"][0]["checks"]}
        assert {one["outcome"] for one in checks.values()} == {"passed"}
        found[len(found)] = sorted({claim for one in checks.values() for claim in one["claimed"]})
    assert found == {0: ["sign_ins/here"], 1: []}
    text = graded.graded(graded.signed(claimed)).stdout
    assert "by the learner's own word, not observed: sign_ins/here" in text


@pytest.mark.attack(
    "evidence",
    "writing verdicts on the quiz into an observation",
    "they do not count on the side that has the right answers",
)
def test_a_verdict_on_answers_is_not_taken_from_the_file():
    practice = exercises.load("06-practice")
    wrong = {question["id"]: "a" if question["right"] != "a" else "b" for question in practice.quiz}
    world = World()
    world.data["answers"] = {practice.slug: wrong}
    world.data["judged"] = {practice.slug: {name: {"answer": text, "right": True} for name, text in wrong.items()}}
    judged = {check.id: check for check in grade([practice], world.observation).exercises[0].checks}
    assert judged["quiz"].diagnosis == "quiz-wrong"


# ── the key and the values that come from it ─────────────────────────────────────────────────────────────────────────


def plan_of(graded, learner):
    return Plan("lab", learner=learner, key=str(graded.file), given=graded.key.person(learner), deadline=2**32)


@pytest.mark.attack(
    "evidence", "looking for the workshop's secret in shells, labels, and what a guest gets", "it is in none of them"
)
def test_the_key_is_nowhere_but_in_its_file(graded, tmp_path, monkeypatch):
    owner = replace(lab(tmp_path, NAMES, plan_of(graded, "Ada")))
    secret = json.loads(graded.file.read_text())["key"]
    seed = graded.key._derived(b"registry-lab values 1").hex()
    raw = base64.b64decode(secret)
    told = [str(owner.plan.labels()), str(owner.plan), str(graded.key), environment.shell_lines(owner)]
    told.append(msgspec.json.encode(operations.told(owner)).decode())
    for text in told:
        assert not any(hidden in text for hidden in (secret, seed, raw.hex(), repr(raw)[2:-1]))
    assert str(graded.file) not in told[-1]
    assert f"LABKIT_WORKSHOP_KEY={graded.file}" in told[3]  # for `up` again, as who may read it
    assert "LABKIT_WORKSHOP=" not in told[3]
    assert graded.file.stat().st_mode & 0o777 == 0o600


@pytest.mark.attack(
    "evidence",
    "computing another learner's values from one's own, the public key and the workshop's name",
    "impossible without the key",
)
def test_anothers_values_cannot_be_computed(graded):
    ada, bob = graded.key.person("Ada"), graded.key.person("Bob")
    guesses = ["", "spring", graded.key.public.public, ada.secret, ada.username, str(graded.file)]
    for guess in guesses:
        for field in ("username", "secret"):
            assert getattr(personal.person("Bob", guess), field) != getattr(bob, field)
    assert len({ada.secret, bob.secret, ada.username[-4:], bob.username[-4:]}) == 4
    assert (
        Plan.from_labels([plan_of(graded, "Bob").labels()]).person == bob
    )  # the owner's own, without reading the key again


@pytest.mark.attack("evidence", "a key file that others can read", "refused until only its owner can read it")
def test_a_key_that_others_can_read_is_refused(graded, tmp_path):
    file = tmp_path / "open.key"
    file.write_bytes(graded.file.read_bytes())
    file.chmod(0o640)
    with pytest.raises(LabError, match="Other users can read the workshop's key") as told:
        workshop.read(file)
    assert told.value.fix == f"chmod 600 {file}"
    again = CliRunner().invoke(cli, ["workshop", "new", str(graded.file)])
    assert again.exit_code == 2 and "already exists" in again.stderr
    assert workshop.read(graded.file) == graded.key


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"workshop": "x", "key": "c2hvcnQ="}', b"[" * 4000, None])
def test_what_is_no_key_is_told(tmp_path, content):
    file = tmp_path / "x.key"
    if content is None:
        file.mkdir(0o700)
    else:
        file.touch(0o600)
        file.write_bytes(content)
    for read in (workshop.read, workshop.public):
        with pytest.raises(LabError, match=r"not a workshop's|cannot be read"):
            read(file)


def test_a_graded_lab_is_a_learners(graded):
    for words in (
        ("--workshop-key", str(graded.file)),
        ("--workshop-key", str(graded.file), "--learner", "A", "--workshop", "s"),
    ):
        told = CliRunner().invoke(cli, ["up", *words])
        assert told.exit_code == 2 and "values come from the key" in told.stderr
    with pytest.raises(LabError, match="does not belong to this workshop"):
        Plan("lab", learner="Ada").grown(plan_of(graded, "Ada"))
    gone = CliRunner().invoke(cli, ["up", "--learner", "Ada", "--workshop-key", "/nowhere/x.key"])
    assert gone.exit_code == 2 and "/nowhere/x.key cannot be read" in gone.stderr


# ── the right answers ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def learners_course(tmp_path, monkeypatch):
    """The course as a guest gets it, and this process as a guest that reads it."""
    whole = sealed.course()
    for name, content in whole.items():
        file = tmp_path / "guest" / "course" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    yield tmp_path / "guest" / "course"
    for cached in (exercises.read, exercises.version):
        cached.cache_clear()


def as_guest(monkeypatch, course):
    monkeypatch.setenv("LABKIT_GUEST", str(course.parent))
    monkeypatch.delenv("LABKIT_COURSE", raising=False)
    exercises.version.cache_clear()


@pytest.mark.attack(
    "evidence",
    "reading the right answers and the solutions in the learner's own copy of the course",
    "they are not in it",
)
def test_a_learners_course_holds_no_right_answer(learners_course, monkeypatch):
    assert not (learners_course / "solutions").exists()
    before = exercises.version()
    for slug in exercises.slugs():
        whole = tomllib.loads((exercises.folder() / slug / "exercise.toml").read_text())
        given = tomllib.loads((learners_course / "exercises" / slug / "exercise.toml").read_text())
        assert not [key for question in given.get("quiz", []) for key in question if key in quiz.SECRET]
        for question in whole.get("quiz", []):
            for key in quiz.SECRET:
                question.pop(key, None)
        assert given == whole
    texts = b"".join(file.read_bytes() for file in learners_course.rglob("*") if file.is_file()).decode()
    for question in exercises.load("06-practice").quiz:
        assert not [told for told in (question["explain"], *question["wrong"].values()) if told in texts]
    as_guest(monkeypatch, learners_course)
    assert exercises.folder() == learners_course / "exercises"
    assert exercises.version() == before
    with pytest.raises(LabError, match="solution of 03-push is kept by the workshop's owner"):
        exercises.solution("03-push")


@pytest.mark.attack(
    "evidence",
    "telling the owner which answers it supposedly found right",
    "the owner judges, whatever the learner's side says",
)
def test_the_owner_judges_the_answers(graded, learners_course, tmp_path, monkeypatch):
    from labkit.lab.looking.sight import Sight
    from labkit.view import compose, plain

    practice = exercises.load("06-practice")
    right = {question["id"]: question["right"] for question in practice.quiz}
    given = {**right, "version": "a"}
    owner = replace(lab(tmp_path, NAMES, plan_of(graded, "Ada")), access=Made())
    said = {"answers": {practice.slug: given}, "judged": {practice.slug: {"version": {"answer": "a", "right": True}}}}
    seen = operations.observe(owner, {"sections": ["answers"], "said": said})
    assert {name: one.right for name, one in seen.judged[practice.slug].items()} == {
        "ci": True,
        "version": False,
        "automation": True,
    }
    as_guest(monkeypatch, learners_course)
    theirs = exercises.load(practice.slug)
    assert "right" not in theirs.quiz[0]
    checks = {one.id: one for one in grade([theirs], seen).exercises[0].checks}
    assert (checks["quiz"].diagnosis, checks["quiz"].found) == ("quiz-wrong", "2 of 3 right")
    assert checks["quiz"].message.startswith("Not right yet: version.")
    answers.save(tmp_path, practice.slug, {**given, "automation": "b"})
    sight = Sight("up", replace(owner, access=Guest("https://x"), home=replace(owner.home, work=tmp_path)), seen)
    text = plain.text(compose.view(compose.QUIZ, theirs, sight))
    assert "your answer: b: right. CI builds once" in text
    assert f"your answer: a: not right yet. {practice.quiz[1]['wrong']['a']}" in text
    assert (
        "your answer: b: saved. Your instructor's lab says whether it is right." in text
    )  # of that one nobody has said
    alone = {one.id: one for one in grade([theirs], msgspec.structs.replace(seen, judged={})).exercises[0].checks}
    assert alone["quiz"].outcome.value == "error"
    assert "the workshop's owner has not judged the answer to ci" in alone["quiz"].message


@pytest.mark.parametrize(
    "request_",
    [
        None,
        [],
        {},
        {"sections": "log"},
        {"sections": ["nonsense"]},
        {"sections": [], "said": {"x": 1}},
        {"sections": [], "said": {"answers": {"06-practice": {"ci": ["b"]}}}},
    ],
)
def test_an_odd_question_is_refused(tmp_path, request_):
    with pytest.raises(LabError):
        operations.observe(replace(lab(tmp_path, NAMES), access=Made()), request_)


# ── with a lab ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.attack(
    "evidence",
    "a guest changes the owner's signed observation of the real lab before grading it",
    "exit 2: it was changed after it was signed",
)
def test_a_guest_of_a_real_lab_forges_nothing(running_lab, graded, tmp_path, monkeypatch):
    plan = replace(running_lab.plan, learner="Ada", key=str(graded.file), given=graded.key.person("Ada"))
    guest = guest_of(replace(running_lab, plan=plan), tmp_path, monkeypatch)
    assert (guest.person, guest.plan.key) == (graded.key.person("Ada"), "")
    assert not {"LABKIT_WORKSHOP", "LABKIT_WORKSHOP_KEY"} & set(environment.variables(guest))
    answers.save(guest.work, "06-practice", {"ci": "b"})
    (guest.work / answers.FILE).write_text(
        '{"06-practice": {"ci": "b", "reflection": "half a pair: \\ud800 \\u001b[31m"}}'
    )
    seen = observe(guest)
    assert seen.unobserved == {}
    data = json.loads(seen.dump())
    told = graded.graded(data, "--json")
    assert told.exit_code == 1, told.output
    assert json.loads(told.stdout)["seen_by"]["signed_by"].startswith("spring (")
    assert data["judged"]["06-practice"]["ci"]["right"] is True
    for forge in (done_by_editing, answers_of_later, another_moment):
        refused(graded.graded(forge(graded, {**graded.signed(), **copy.deepcopy(data)})), CHANGED)
    signature.check(data, graded.key.public)  # it is as it was
    assert Observation.parse(Path(seen_file(tmp_path, seen)).read_bytes(), graded.key.public) == seen


def seen_file(folder, seen):
    file = folder / "seen.json"
    file.write_text(seen.dump())
    return file
