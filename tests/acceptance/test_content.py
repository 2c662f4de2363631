"""The content proves itself: unsolved fails, solved passes, solving twice is harmless. Its wrong ways are played with the corpus."""

import pytest

from labkit.authoring.verify import verify
from labkit.content import exercises


@pytest.mark.parametrize("slug", exercises.slugs())
def test_verify(lab, slug):
    proofs = list(verify(lab, [exercises.load(slug)], wrong_ways=False))
    assert [proof.line() for proof in proofs if proof.problem] == []
    assert [proof.claim.partition(":")[0] for proof in proofs] == [
        "each diagnosis that its checks tell is known", "each question has a right answer",
        "unsolved", "solved", "solved twice", "has at least three wrong ways",
    ]  # fmt: skip
