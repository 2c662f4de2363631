"""`labkit doctor`"""

import sys

import click

from labkit.cli.output import json_option, tell_json, tell_lines
from labkit.lab.engine.doctor import as_json as findings_as_json
from labkit.lab.engine.doctor import examine


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check this machine: what the lab needs, what is there, and how to fix what is missing.

    Example: labkit doctor
    """
    findings = examine()
    if as_json:
        tell_json(findings_as_json(findings))
    else:
        for finding in findings:
            tell_lines(finding.line())
    sys.exit(2 if any(finding.state == "broken" for finding in findings) else 0)
