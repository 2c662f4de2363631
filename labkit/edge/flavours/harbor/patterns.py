"""Harbor's selectors: which repositories and tags a rule is about (goharbor/harbor, src/lib/selector/selectors/doublestar)."""

import re
from collections.abc import Iterable
from typing import Any

from ..routes import table

MOST = 200
"""Selectors of a rule, and patterns that braces stand for."""

TAGS, REPOSITORIES = ("matches", "excludes"), ("repoMatches", "repoExcludes")
"""The decorations of each kind of selector: the one that chooses what fits, and the one that chooses what does not."""

Selector = dict[str, str]


def selectors(value: Any, decorations: tuple[str, str]) -> list[Selector]:
    """Selectors as far as they are sound; none where one is not."""
    found = [table(each) for each in value[:MOST]] if isinstance(value, list) else []
    sound = all(
        one.get("kind", "doublestar") == "doublestar"
        and one.get("decoration") in decorations
        and isinstance(one.get("pattern"), str)
        and 0 < len(one["pattern"]) <= 255
        and isinstance(one.get("extras", ""), str)
        and len(one.get("extras", "")) <= 255
        for one in found
    )
    if not sound:
        return []
    return [
        {"kind": "doublestar", "decoration": one["decoration"], "pattern": one["pattern"]}
        | ({"extras": one["extras"]} if one.get("extras") else {})
        for one in found
    ]


def parts(rule: dict[str, Any]) -> tuple[list[Selector], list[Selector]]:
    """The selectors of tags and of repositories that a rule has, as far as they are sound."""
    scopes = table(rule.get("scope_selectors")).get("repository")
    return selectors(rule.get("tag_selectors"), TAGS), selectors(scopes, REPOSITORIES)


def is_about(rule: dict[str, Any], repository: str) -> bool:
    """Whether a rule is in force, and about this repository."""
    chosen = rule["scope_selectors"]["repository"]
    return not rule["disabled"] and all(selects(one, repository) for one in chosen)


def applies(rule: dict[str, Any], repository: str, tag: str) -> bool:
    """Whether a rule is about this tag."""
    return is_about(rule, repository) and all(selects(one, tag) for one in rule["tag_selectors"])


def selects(selector: Selector, text: str) -> bool:
    return fits(selector["pattern"], text) == (selector["decoration"] in ("matches", "repoMatches"))


def selects_any(selector: Selector, tags: Iterable[str]) -> bool:
    """Whether an image with these tags is chosen: by one tag that fits, or, without tags, by what `extras` says of these."""
    found = list(tags)
    if found:
        return any(selects(selector, tag) for tag in found)
    untagged = selector["decoration"] == "matches"
    said = re.search(r'"untagged"\s*:\s*(true|false)', selector.get("extras", ""))
    untagged = said[1] == "true" if said else untagged
    return untagged == (selector["decoration"] == "matches")


def fits(pattern: str, text: str) -> bool:
    """Whether a text has the form of a doublestar pattern: `*` is anything but a slash, `**` anything, `{a,b}` one of these.
    Asked letter by letter, so that no pattern takes long."""
    return any(_fits(one, text) for one in _plain(pattern))


def _plain(pattern: str) -> list[str]:
    """The patterns without braces that this one stands for, a bounded number of them."""
    todo, found = [pattern], []
    while todo and len(found) < MOST:
        one = todo.pop()
        match = re.search(r"\{([^{}]*)\}", one)
        if match:
            todo += [f"{one[: match.start()]}{choice}{one[match.end() :]}" for choice in match[1].split(",")[:20]][
                :MOST
            ]
        else:
            found.append(one)
    return found


def _fits(pattern: str, text: str) -> bool:
    """By the places in the text that each piece of the pattern may end at."""
    places = {0}
    for piece in re.findall(r"\*\*|.", pattern, re.DOTALL):
        if piece == "**":
            places = set(range(min(places), len(text) + 1))
        elif piece == "*":
            ends = set()
            for place in sorted(places):
                while place not in ends:
                    ends.add(place)
                    if place == len(text) or text[place] == "/":
                        break
                    place += 1  # noqa: PLW2901
            places = ends
        else:
            places = {place + 1 for place in places if place < len(text) and piece in ("?", text[place])}
        if not places:
            return False
    return len(text) in places
