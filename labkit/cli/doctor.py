"""`labkit doctor`"""

import json
import sys

import click

from labkit.cli.output import json_option, typed
from labkit.lab.engine.doctor import as_json as findings_as_json
from labkit.lab.engine.doctor import examine


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Look at this machine: what the lab needs, what is there, and how to mend it.

    Example: labkit doctor
    """
    findings = examine()
    if as_json:
        click.echo(json.dumps(findings_as_json(findings), indent=2))
    else:
        for finding in findings:
            click.echo(typed(finding.line()))
    sys.exit(2 if any(finding.state == "broken" for finding in findings) else 0)
