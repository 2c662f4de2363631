"""Who may sign in."""

import json
from pathlib import Path

FILE = Path(__file__).with_name("accounts.json")


def accounts(learner: str = "") -> dict[str, str]:
    """Passwords by user name: those that the lesson prints. In a personal lab the learner's name stands for the first."""
    known: dict[str, str] = json.loads(FILE.read_text())
    default = next(iter(known))
    return {learner or default: known.pop(default), **known}
