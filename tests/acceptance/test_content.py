"""The content proves itself: unsolved fails, solved passes, solving twice is harmless, each wrong way is diagnosed."""

import pytest

from labkit import authoring
from labkit.content import exercises


@pytest.mark.parametrize("slug", exercises.slugs())
def test_verify(lab, slug):
    proofs = list(authoring.verify(lab, [exercises.load(slug)]))
    assert [one.line() for one in proofs if one.problem] == []
    assert len(proofs) >= 7
