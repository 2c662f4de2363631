"""The section `pages`: what each task's app answers when the lab asks for its page, on the node where the task runs."""

from typing import Annotated

import msgspec

Small = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What one task's app answered to `GET /` at the port that it listens on."""

    task: str
    """The ID of the Swarm's task."""
    service: str
    port: Small
    """If it listens on several ports, the one with the best answer; 0 if it listens on none."""
    status: Small
    """The HTTP status; 0 if the answer was not HTTP."""
    size: Small
    """Bytes of the page, as far as they were read (labkit/lab/looking/ask_apps.py: LARGEST)."""
    digest: str
    """The digest of these bytes."""
    text: str
    """The beginning of the page."""
    file: str
    """The path of a file with the same bytes in the task's image, or "". Files that a mount hides or brings, or that were
    written since the container started, are not in the image."""
    sample: bool
    """Whether it is exactly the sample app's page."""
