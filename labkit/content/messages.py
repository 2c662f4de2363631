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


@functools.cache
def known() -> tuple[Message, ...]:
    """Every known message, narrow patterns first."""
    data = tomllib.loads((Path(__file__).parent / "messages.toml").read_text())
    return tuple(
        Message(key, re.compile(one["pattern"], re.IGNORECASE), one["means"], one["next"]) for key, one in data.items()
    )


def plain(output: str) -> str:
    """The output without colors and cursor movements."""
    return NOISE.sub("", output)


def find(output: str) -> tuple[Message, str] | None:
    """The known message in an output and the line that contains it, or None. The last line wins."""
    for whole in reversed(plain(output).splitlines()):
        line = whole if len(whole) <= LONGEST else whole[: LONGEST // 2] + whole[-LONGEST // 2 :]
        for message in known():
            if message.pattern.search(line):
                return message, line.strip()
    return None


def complaint(output: str) -> str:
    """The last line that looks like an error, or ""."""
    lines = [line.strip() for line in plain(output).splitlines() if FAILURE.search(line)]
    return lines[-1] if lines else ""
