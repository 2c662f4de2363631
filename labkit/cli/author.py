"""`labkit verify`, `labkit new` and `labkit notebooks`: for authors"""

import sys

import click

from labkit.authoring import new as templates
from labkit.authoring import notebooks as books
from labkit.authoring.verify import verify as proofs
from labkit.cli.output import tell
from labkit.content import exercises
from labkit.lab import find


@click.command()
@click.argument("exercise", required=False)
def verify(exercise: str | None) -> None:
    """Prove the content on the running lab: unsolved fails, solved passes, each wrong way gets its diagnosis.

    Clears the lab. Example: labkit verify 03-push
    """
    chosen = exercises.chosen([exercise] if exercise else [])
    failed = 0
    for proof in proofs(find.current(), chosen):
        failed += bool(proof.problem)
        tell(proof.line())
    sys.exit(1 if failed else 0)


@click.command()
@click.argument("slug")
def new(slug: str) -> None:
    """Start a new exercise from a template that `verify` accepts.

    Example: labkit new 07-clean
    """
    for path in templates.new(slug):
        tell(f"wrote {path}")
    tell(f"Next: edit them, then labkit verify {slug} && labkit notebooks")


@click.command()
def notebooks() -> None:
    """Build the notebooks from the lessons.

    Example: labkit notebooks
    """
    books.write(tell)
