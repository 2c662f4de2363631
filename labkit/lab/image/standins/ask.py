"""What the stand-ins of vendors' commands share: questions to the lab's registries, and output in the vendors' forms."""

import base64
import json
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

CA = "/lab/pki/hub-ca.pem"


def ask(
    method: str, url: str, body: Any = None, user: tuple[str, str] | None = None, form: str | None = None
) -> tuple[int, Any]:
    """(status, JSON)"""
    head: dict[str, str] = {}
    data: bytes | None = None
    if form is not None:
        data, head["Content-Type"] = form.encode(), "application/x-www-form-urlencoded"
    elif body is not None:
        data, head["Content-Type"] = json.dumps(body).encode(), "application/json"
    if user:
        head["Authorization"] = "Basic " + base64.b64encode(":".join(user).encode()).decode()
    context = ssl.create_default_context(cafile=CA)
    asked = urllib.request.Request(url, data, head, method=method)  # noqa: S310  (https, to the lab)
    try:
        with urllib.request.urlopen(asked, context=context, timeout=30) as answer:  # noqa: S310
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        try:
            return error.code, json.loads(error.read() or b"null")
        except ValueError:
            return error.code, None
    except OSError as error:
        fail(f"the lab's registry does not answer: {error}")


def fail(text: str, status: int = 1) -> NoReturn:
    say(f"ERROR: {text}")
    sys.exit(status)


def say(text: str) -> None:
    """Beside what a command answers."""
    print(text, file=sys.stderr)


def unknown(name: str, words: Sequence[str], known: Iterable[tuple[str, ...]]) -> NoReturn:
    """Ends a command that the stand-in does not know."""
    listed = "".join(f"\n  {name} {' '.join(one)}" for one in sorted(known))
    fail(
        f"'{name} {' '.join(words)}' is not in this lab: this {name} is a stand-in of the Registry Lab. It knows:{listed}"
        f"\n`{name} --help` says how each is used.",
        2,
    )


def arguments(
    words: Iterable[str], short: Iterable[tuple[str, str]] = (), flags: Sequence[str] = ()
) -> tuple[list[str], dict[str, str]]:
    """(words, {option: value}) of a command line; `short` are pairs of a short option and its long one."""
    plain: list[str] = []
    options: dict[str, str] = {}
    rest, long = list(words), dict(short)
    while rest:
        word = long.get(rest[0], rest[0])
        rest.pop(0)
        if not word.startswith("--"):
            plain.append(word)
            continue
        name, has, value = word[2:].partition("=")
        if not has:
            takes = name not in flags and rest and not rest[0].startswith("-")
            value = rest.pop(0) if takes else "true"
        options[name] = value
    return plain, options


def table(heads: list[str], rows: list[list[str]]) -> None:
    widths = [max(len(str(line[n])) for line in [heads, *rows]) for n in range(len(heads))]
    for line in [heads, *rows]:
        print("  ".join(str(cell).ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
