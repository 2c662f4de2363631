"""`labkit immutable` and `labkit private`: what the owner of a repository sets on Docker Hub's page, which no lab has."""

from typing import Any

import click

from labkit.cli.output import tell
from labkit.cli.registries import ask
from labkit.edge.facts import registries
from labkit.errors import LabError
from labkit.lab import find
from labkit.seen.reference import Reference

HUB = registries()["hub"]

on_off = click.option("--on/--off", "on", default=True, help="Whether it is, from now on.")


@click.command()
@click.argument("repository")
@on_off
@click.option("--pattern", "patterns", multiple=True, help="Only tags of this form (RE2), as ^v[0-9].")
def immutable(repository: str, on: bool, patterns: tuple[str, ...]) -> None:
    """Make the tags of a repository on Docker Hub immutable, or let them move again.

    An immutable tag, once it is there, is not overwritten and not deleted. This is on Docker Hub's page, and in its API,
    PATCH https://hub.docker.com/v2/namespaces/myusername/repositories/myapp/immutabletags.

    Example: labkit immutable myusername/myapp --on
    """
    name = _name(repository, "immutable")
    _set("immutable", name, immutable=on, rules=list(patterns))
    which = f"tags like {', '.join(patterns)}" if patterns else "all tags"
    tell(f"{name}: {which} are immutable." if on else f"{name}: its tags may be overwritten.")


@click.command()
@click.argument("repository")
@on_off
def private(repository: str, on: bool) -> None:
    """Make a repository on Docker Hub private, or public again.

    Nobody but its owner can pull from a private one, or is told that it exists.

    Example: labkit private myusername/myapp --on
    """
    name = _name(repository, "private")
    _set("private", name, private=on)
    tell(f"{name} is {'private' if on else 'public'}.")


def _name(text: str, command: str) -> str:
    """The repository's name in Docker Hub. Raises LabError."""
    fix = f"labkit {command} myusername/myapp"
    try:
        found = Reference.parse(text)
    except ValueError as error:
        raise LabError(f"{text!r} is no name of a repository.", fix) from error
    if found.registry != HUB.host:
        raise LabError(f"{text} is in {found.registry}: only Docker Hub's stand-in has this setting.", fix)
    return found.repository


def _set(command: str, name: str, **settings: Any) -> None:
    ask(find.current(), command, HUB, "POST", "/repository", {"registry": HUB.key, "repository": name, **settings})
