"""What is signed, what is said of what is not, and what a workshop's owner says of answers."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from labkit.content import quiz
from labkit.errors import LabError
from labkit.seen.lab import Unobserved
from labkit.seen.signature import MEND, PURPOSE, Public, check, message

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()
BY = Public(workshop="spring", public=PUBLIC)


def signed():
    told = {
        "b": ["é", 1],
        "a": None,
        "seal": "of these bytes",
        "signature": {"workshop": "spring", "key": PUBLIC},
    }
    value = base64.b64encode(KEY.sign(message(told))).decode()
    return {**told, "signature": {**told["signature"], "value": value}}


def test_what_is_signed_is_all_but_the_seal_and_the_value_in_one_form():
    said = PURPOSE + (
        b'{"a":null,"b":["\\u00e9",1],"signature":{"key":"' + PUBLIC.encode() + b'","workshop":"spring"}}'
    )
    assert message(signed()) == said
    assert message({**signed(), "seal": "another"}) == said
    assert PURPOSE.strip()
    check(signed(), BY)
    check({**signed(), "seal": "another"}, BY)


@pytest.mark.parametrize(
    "none", [{}, {"signature": None}, {"signature": "x"}, {"signature": {"key": PUBLIC, "value": ""}}]
)
def test_what_nobody_has_signed(none):
    with pytest.raises(LabError) as refused:
        check(none, BY)
    assert refused.value.what == "This observation is not signed, but observations from the workshop spring are."
    assert refused.value.fix == MEND


def refused(data, by=BY):
    with pytest.raises(LabError) as told:
        check(data, by)
    return told.value.what, told.value.fix


def test_what_is_signed_with_another_key():
    other = base64.b64encode(b"o" * 32).decode()
    sentence = "This observation is signed with a different key than that of the workshop spring."
    assert refused(signed(), Public(workshop="spring", public=other)) == (sentence, MEND)


@pytest.mark.parametrize(
    ("public", "why"),
    [
        ("!!!!" + PUBLIC, "Only base64 data is allowed"),
        (base64.b64encode(b"short").decode(), "An Ed25519 public key is 32 bytes long"),
    ],
)
def test_a_damaged_key(public, why):
    data = signed()
    data["signature"]["key"] = public
    what, fix = refused(data, Public(workshop="spring", public=public))
    assert (what, fix) == (
        f"The public key of the workshop spring is damaged: {why}.",
        "compare it with the original FILE.pub",
    )


@pytest.mark.parametrize("value", ["x", "!" + "A" * 87, None])
def test_what_was_changed(value):
    sentence = "This observation was changed after it was signed: its signature does not match."
    data = signed()
    assert refused({**data, "b": ["é", 2]}) == (sentence, MEND)
    if value is None:
        value = "\n" + data["signature"]["value"]  # what a lenient reader would pass over
    data["signature"]["value"] = value
    assert refused(data) == (sentence, MEND)


RIGHT, HIDDEN = {"id": "ci", "right": "b", "explain": "Because."}, {"id": "cd"}


def test_what_the_owner_says_of_answers():
    said = quiz.judged([RIGHT, {"id": "bare", "right": "a"}, HIDDEN], {"ci": " b ", "bare": "a", "cd": "c"})
    assert {key: (one.answer, one.right, one.told) for key, one in said.items()} == {
        "ci": ("b", True, "Because."),
        "bare": ("a", True, ""),
    }
    wrong = quiz.judged([RIGHT], {"ci": "a"})["ci"]
    assert (wrong.answer, wrong.right, wrong.told) == ("a", False, quiz.AGAIN)
    assert quiz.judged([RIGHT], {}) == quiz.judged([RIGHT], {"ci": " "}) == {}


def test_an_answer_that_only_the_owner_can_judge():
    said = quiz.judged([{**RIGHT, "id": "cd"}, RIGHT], {"cd": "b", "ci": "b"})
    known, joined = quiz.with_judged([RIGHT, HIDDEN], said)
    assert known is RIGHT
    assert joined == {"id": "cd", "judged": said["cd"]}
    assert quiz.with_judged([HIDDEN, {"id": "x"}], said)[1] == {"id": "x"}
    assert quiz.is_right(joined, "B")
    assert quiz.told(joined, "B") == "Because." and quiz.told(HIDDEN, "b") == ""
    assert quiz.told(RIGHT | {"judged": said["cd"]}, "b") == "Because."
    for question, answer in ((joined, "a"), (HIDDEN, "b")):
        with pytest.raises(Unobserved) as told:
            quiz.is_right(question, answer)
        assert str(told.value) == "the workshop's owner has not judged the answer to cd."
