"""The section `pages`: what the app of each task answers when its page is asked for, on the node where the task runs."""

from typing import Annotated

import msgspec

Small = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What one task's app answered to `GET /`, at the port on which it listens."""

    task: str
    """The id of the Swarm's task."""
    service: str
    port: Small
    """Of the ports on which it listens the one with the best answer; 0 where it listens on none."""
    status: Small
    """HTTP's; 0 where nothing came that is HTTP."""
    size: Small
    """Bytes of the page, as many as were read (labkit/lab/looking/ask_apps.py: LARGEST)."""
    digest: str
    """Of these bytes."""
    text: str
    """How the page begins."""
    file: str
    """Where the same bytes lie in the image of the task: a path, "" where nowhere. What a mount hides or brings, and what was
    written since the container started, is not in the image."""
    sample: bool
    """Whether it is the page of the sample app, letter by letter."""
