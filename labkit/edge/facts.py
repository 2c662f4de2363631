"""The registries of the lab as facts: what each is called, where it answers, what it brings along, and who may sign in. Values
only; how each of them behaves is its flavour's (flavours/)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("registries.json")


@dataclass(frozen=True)
class Facts:
    """A registry of the lab.

    `title` is what people call it, `host` what stands in an image's name, `hosts` every host name that leads to it, in small
    letters, with a port where other registries have the same name. `product` names what several of them are parts of.
    `seeded` are the repositories that the lab brings along, `accounts` people of its own who sign in beside the lesson's,
    `users` names that sign in with what the registry itself gives out. `standard`: it is shown in every lab; another only
    once somebody has used it.
    """

    key: str
    title: str
    host: str
    hosts: tuple[str, ...]
    seeded: tuple[str, ...] = ()
    accounts: tuple[tuple[str, str], ...] = ()
    users: tuple[str, ...] = ()
    standard: bool = True
    product: str = ""

    @property
    def maker(self) -> str:
        """What it is a part of, or itself: what has the same may be seen through each other."""
        return self.product or self.key

    def answers_to(self, host: str) -> bool:
        """Whether a Host header, with or without a port and in letters of any size, means this registry."""
        return not {host.lower(), host.rsplit(":", 1)[0].lower()}.isdisjoint(self.hosts)


def registries() -> dict[str, Facts]:
    """Every registry of the lab by its key, in the order of registries.json."""
    return {key: _facts(key, entry) for key, entry in _read()["registries"].items()}


def accounts(learner: str = "") -> dict[str, str]:
    """Passwords by user name: those that the lesson prints. In a personal lab the learner's name stands for the first."""
    known: dict[str, str] = _read()["accounts"]
    default = next(iter(known))
    return {learner or default: known.pop(default), **known}


def _read() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text())
    return found


def _facts(key: str, entry: dict[str, Any]) -> Facts:
    lists = {field: tuple(entry.get(field, ())) for field in ("hosts", "seeded", "users")}
    return Facts(key=key, **{**entry, **lists, "accounts": tuple(entry.get("accounts", {}).items())})
