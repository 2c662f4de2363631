"""Runs labkit's own commands for the panel, and reports their steps as values."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

WORDS = 3
"""How many of a command's last lines are shown if it ended without saying why."""


@dataclass(frozen=True)
class Step:
    """What a command is doing: step `number` of about `of`, `seconds` after the command began."""

    number: int
    of: int
    text: str
    seconds: float


def run(words: list[str], tell: Callable[[Step], None]) -> str:
    """Runs `labkit WORDS` and reports each step as it comes. Returns why it failed, "" if it did not."""
    command = [sys.executable, "-P", "-m", "labkit", *words, "--progress", "json"]
    failure, printed = "", []
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            told = _parsed(line)
            if "step" in told:
                tell(Step(told["step"], told["of"], told["text"], told["seconds"]))
            elif "error" in told:
                failure = f"{told['error']} → {told['fix']}" if told["fix"] else told["error"]
            else:
                printed.append(line.strip())
    if not process.returncode:
        return ""
    return failure or " ".join(printed[-WORDS:]) or f"labkit {words[0]} ended with exit status {process.returncode}."


def _parsed(line: str) -> dict[str, Any]:
    """The value of a line of JSON; {} for any other line."""
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
