"""Questions about a lab that several exercises ask. Each one has a diagnosis for every way it can go wrong.

A fact takes a Reference, which also says which registry is meant. It returns the evidence.
"""

from labkit.content.facts.answering import answered, matched, written
from labkit.content.facts.deploying import service_exists, service_image, service_runs, service_wants
from labkit.content.facts.marks import carries_mark, image_carries_mark
from labkit.content.facts.pages import pages_answer
from labkit.content.facts.pulling import has_pulled, pulls_of, was_pulled
from labkit.content.facts.pushing import is_pushed, is_same_image, is_sample, is_sound
from labkit.content.facts.signing_in import keeps_sign_in, signed_in
from labkit.content.facts.tagging import image_is_tagged

__all__ = [
    "answered",
    "carries_mark",
    "has_pulled",
    "image_carries_mark",
    "image_is_tagged",
    "is_pushed",
    "is_same_image",
    "is_sample",
    "is_sound",
    "keeps_sign_in",
    "matched",
    "pages_answer",
    "pulls_of",
    "service_exists",
    "service_image",
    "service_runs",
    "service_wants",
    "signed_in",
    "was_pulled",
    "written",
]
