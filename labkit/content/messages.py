"""What engines, registries and the docker CLI print when something fails, and what it means. The data is in messages.toml."""

import functools
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

NOISE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
"""Colors and cursor movements that a terminal's programs print."""

FAILURE = re.compile(
    r"error|denied|unauthorized|not found|failed|cannot|invalid|unknown|unable|no such|conflict|refused|toomanyrequests",
    re.I,
)

ROUTINE = re.compile(r"^unable to find image '.*' locally$", re.I)
"""What docker run says before it pulls."""

LONGEST = 4000
"""How many characters of a line are searched: of a longer one, its beginning and its end. A message has a few hundred, and
the time that some patterns take grows with the square."""


@dataclass(frozen=True)
class Message:
    """A known message: `means` says what happened, `next` what to do."""

    id: str
    pattern: re.Pattern[str]
    means: str
    next: str
    shown: bool = False
    """Whether the command that prints it ends well all the same, and prints it as its answer, as curl and kubectl get do."""
    vague: bool = False
    """Whether any other message in the same output says more."""


@functools.cache
def known() -> tuple[Message, ...]:
    """Every known message, narrow patterns first."""
    data = tomllib.loads((Path(__file__).parent / "messages.toml").read_text())
    return tuple(Message(key, re.compile(one.pop("pattern"), re.IGNORECASE), **one) for key, one in data.items())


def plain(output: str) -> str:
    """The output without colors and cursor movements."""
    return NOISE.sub("", output)


def find(output: str, shown: bool = False) -> tuple[Message, str] | None:
    """The known message in an output and the line that contains it, or None. The last line wins, but for a vague message. With
    `shown`, only messages that a command which ended well may have printed as its answer."""
    vague = None
    for whole in reversed(plain(output).splitlines()):
        line = whole if len(whole) <= LONGEST else whole[: LONGEST // 2] + whole[-LONGEST // 2 :]
        for message in known():
            if message.shown >= shown and message.pattern.search(line):
                if not message.vague:
                    return message, line.strip()
                vague = vague or (message, line.strip())
                break
    return vague


def complaint(output: str) -> str:
    """The last line that looks like an error, or ""."""
    lines = [line.strip() for line in plain(output).splitlines()]
    return next((line for line in reversed(lines) if FAILURE.search(line) and not ROUTINE.match(line)), "")
