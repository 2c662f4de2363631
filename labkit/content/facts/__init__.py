"""Questions about a lab that several exercises ask, each with the diagnosis for every way it can go wrong.

A fact names images by Reference; which registry is meant follows from that. What it returns is the evidence.
"""

from labkit.content.facts.deploying import service_exists, service_image, service_runs, service_wants
from labkit.content.facts.marks import carries_mark, image_carries_mark
from labkit.content.facts.pages import pages_answer
from labkit.content.facts.pulling import has_pulled, pulls_of, was_pulled
from labkit.content.facts.pushing import is_pushed, is_same_image, is_sample
from labkit.content.facts.signing_in import keeps_sign_in, signed_in
from labkit.content.facts.tagging import image_is_tagged

__all__ = [
    "carries_mark",
    "has_pulled",
    "image_carries_mark",
    "image_is_tagged",
    "is_pushed",
    "is_same_image",
    "is_sample",
    "keeps_sign_in",
    "pages_answer",
    "pulls_of",
    "service_exists",
    "service_image",
    "service_runs",
    "service_wants",
    "signed_in",
    "was_pulled",
]
