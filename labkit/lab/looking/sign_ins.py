"""Observes the sign-ins that docker CLIs have saved: where, and whose. Never the sign-in itself."""

import base64
import binascii
import io
import json
import tarfile
from typing import Any

from labkit.edge.facts import accounts, registries
from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Lab
from labkit.lab.looking import PATIENCE
from labkit.seen.person import Person

NOBODY = "nobody."
"""Begins the name of the entry that is no sign-in (labkit/lab/contexts.py)."""

FILE = "/root/.docker/config.json"


def look(lab: Lab, machine: str) -> dict[str, str]:
    """Sign-ins made in a shell on the machine itself, which has its own config.json: {registry: account}. Empty if there are
    none or the file cannot be read."""
    part = lab.parts[machine]
    if part.state != "running":
        return {}
    try:
        with lab.engine.wire(PATIENCE) as wire:
            content = wire.request("GET", f"/containers/{part.id}/archive?path={FILE}")
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            file = archive.extractfile(archive.next() or "")
            config = json.load(file) if file else {}
    except (WireError, tarfile.TarError, ValueError, KeyError, RecursionError):
        return {}
    return kept(config, lab.person)


def kept(config: Any, person: Person) -> dict[str, str]:
    """{registry as docker names it: account} of a docker CLI's config.json; see Observation.sign_ins."""
    held = config if isinstance(config, dict) else {}
    auths, helpers = _table(held, "auths"), _table(held, "credHelpers")
    found = dict.fromkeys(helpers, "")
    for key, entry in auths.items():
        filled = isinstance(entry, dict) and any(entry.get(field) for field in ("auth", "identitytoken", "username"))
        if filled:
            found[key] = _account(entry, person)
        elif (held.get("credsStore") or key in helpers) and not key.startswith(NOBODY):
            found[key] = ""
    return dict(sorted(found.items()))


def _table(held: dict[str, Any], name: str) -> dict[str, Any]:
    value = held.get(name)
    return value if isinstance(value, dict) else {}


def _account(entry: dict[str, Any], person: Person) -> str:
    """Whose sign-in it is, if it is one of the lab's accounts: a password typed as a user name must not be shown."""
    name = str(entry.get("username") or "")
    if not name:
        try:
            name = base64.b64decode(str(entry.get("auth") or "")).decode().partition(":")[0]
        except (binascii.Error, ValueError):
            return "?"
    vendors = {name for facts in registries().values() for name in (*dict(facts.accounts), *facts.users)}
    return name if name in {person.username, *accounts(), *vendors} else "?"
