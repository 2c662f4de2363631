"""Patterns of tags, by RE2, as Docker Hub reads them (docs.docker.com, "Immutable tags"). No pattern takes RE2 long, whatever
somebody types; Python's own go back and forth."""

from collections.abc import Callable

import re2

LONGEST = 256
"""Letters of a pattern."""

OPTIONS = re2.Options()
OPTIONS.log_errors = False


class Unknown(ValueError):
    """What is no such pattern."""


def compiled(pattern: str) -> Callable[[str], bool]:
    """Whether a text has a part of this form, as a function. Raises Unknown."""
    if len(pattern) > LONGEST:
        raise Unknown(f"a pattern has at most {LONGEST} letters")
    try:
        found = re2.compile(pattern, OPTIONS)
    except re2.error as odd:
        raise Unknown(f"{pattern} is no pattern of RE2: {odd.args[0].decode(errors='replace')}") from odd
    except UnicodeEncodeError as odd:
        raise Unknown("a pattern is text") from odd
    return lambda text: found.search(text) is not None
