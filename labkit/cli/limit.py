"""`labkit limit`"""

from typing import Any

import click

from labkit.cli.output import json_option, tell, tell_json
from labkit.cli.registries import ask, named
from labkit.edge.facts import Facts
from labkit.errors import LabError
from labkit.lab import find

NUMBER = click.IntRange(min=0)


@click.command()
@click.argument("registry")
@click.option("--pulls", type=NUMBER, help="Pulls of an address that nobody has signed in from.")
@click.option("--signed-in", type=NUMBER, help="Pulls of somebody who has signed in.")
@click.option("--off", is_flag=True, help="Back to the vendor's own limit.")
@json_option
def limit(registry: str, pulls: int | None, signed_in: int | None, off: bool, as_json: bool) -> None:
    """Show how many pulls a registry allows, or set it for a lesson.

    What you set counts from now on. Docker Hub's own limit is 100 pulls in six hours for each address, and 200 for somebody who
    has signed in. A reset of the whole lab brings it back.

    Example: labkit limit hub --pulls 3
    """
    facts = named(registry, "limit")
    changes = {"pulls": pulls, "signed_in": signed_in}
    if off and any(number is not None for number in changes.values()):
        raise LabError("--off takes no numbers: it brings the vendor's limit back.", f"labkit limit {facts.key} --off")
    lab = find.current()
    change = off or any(number is not None for number in changes.values())
    if change:
        told = ask(lab, "limit", facts, "POST", "/limit", {"registry": facts.key, **changes})
    else:
        told = ask(lab, "limit", facts, "GET", f"/limit?registry={facts.key}")
    names = {part.address: name for name, part in lab.parts.items()}
    told["used"] = {names.get(source, source): count for source, count in told["used"].items()}
    tell_json(told) if as_json else _tell(facts, told)


def _tell(facts: Facts, told: dict[str, Any]) -> None:
    whose = "a lesson's limit" if told["changed"] else "its own limit"
    window = f"every {told['window'] // 3600} hours"
    tell(
        f"{facts.title} ({whose}): pulls {window} without an account: {told['pulls']}, signed in: {told['signed_in']}."
    )
    for source, count in told["used"].items():
        tell(f"  {source} has used {count}.")
