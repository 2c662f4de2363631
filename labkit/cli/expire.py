"""`labkit expire`"""

import click

from labkit.cli.output import tell
from labkit.cli.registries import ask, named
from labkit.lab import find


@click.command()
@click.argument("registry")
def expire(registry: str) -> None:
    """Let all tokens of a registry expire now, as they would in time.

    The next push or pull meets it as it would after hours: what a person must renew, they must renew.

    Example: labkit expire hub
    """
    facts = named(registry, "expire")
    told = ask(find.current(), "expire", facts, "POST", "/expire", {"registry": facts.key})
    tell(f"{facts.title}: {_length(told['seconds'])} have passed for its tokens. All that it gave out has expired.")


def _length(seconds: float) -> str:
    hours = seconds / 3600
    if hours >= 48:
        return f"{hours / 24:.0f} days"
    return f"{hours:.0f} hours" if hours >= 2 else f"{hours * 60:.0f} minutes"
