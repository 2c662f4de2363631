"""Amazon ECR's lifecycle policies: whether a text is one, and which images it would expire (docs.aws.amazon.com/AmazonECR,
"Automate the cleanup of images by using lifecycle policies")."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

DAY = 86400

STATES = ("tagged", "untagged", "any")
COUNTS = ("imageCountMoreThan", "sinceImagePushed")

MOST = 50
"""Rules of a policy, and prefixes or patterns of a rule."""


@dataclass(frozen=True)
class Image:
    digest: str
    tags: tuple[str, ...]
    pushed: float


def rules(text: Any) -> list[dict[str, Any]]:
    """The rules of a policy, the most important first. Raises ValueError, which says what is wrong."""
    try:
        told = json.loads(text)
        found = told["rules"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ValueError("the policy is no JSON with rules") from None
    if not isinstance(found, list) or not 0 < len(found) <= MOST:
        raise ValueError(f"a policy has 1 to {MOST} rules")
    for rule in found:
        _sound(rule)
    priorities = [rule["rulePriority"] for rule in found]
    if len({*priorities}) != len(priorities):
        raise ValueError("each rule has a rulePriority of its own")
    return sorted(found, key=lambda rule: int(rule["rulePriority"]))


def _sound(rule: Any) -> None:
    """Raises ValueError."""
    selection = rule.get("selection") if isinstance(rule, dict) else None
    if not isinstance(selection, dict) or not _number(rule.get("rulePriority")):
        raise ValueError("a rule has a rulePriority from 1 on, and a selection")
    if rule.get("action") != {"type": "expire"}:
        raise ValueError("a rule's action is expire")
    if selection.get("tagStatus") not in STATES:
        raise ValueError(f"tagStatus is one of {', '.join(STATES)}")
    if selection.get("countType") not in COUNTS or not _number(selection.get("countNumber")):
        raise ValueError(f"countType is one of {', '.join(COUNTS)}, countNumber a number from 1 on")
    if (selection["countType"] == "sinceImagePushed") != (selection.get("countUnit") == "days"):
        raise ValueError("countUnit is days, with sinceImagePushed only")
    named = [selection[key] for key in ("tagPrefixList", "tagPatternList") if key in selection]
    if bool(named) != (selection["tagStatus"] == "tagged") or not all(_texts(value) for value in named):
        raise ValueError("tagPrefixList or tagPatternList stands with tagStatus tagged, and only there")


def _number(value: Any) -> bool:
    return type(value) is int and 0 < value < 10**9


def _texts(value: Any) -> bool:
    return (
        isinstance(value, list)
        and 0 < len(value) <= MOST
        and all(isinstance(one, str) and 0 < len(one) <= 128 and one.count("*") <= 4 for one in value)
    )


def expiring(text: Any, images: Iterable[Image], now: float) -> list[tuple[Image, int]]:
    """The images that the policy would expire, each with the priority of the rule by which. Raises ValueError."""
    left, found = sorted(images, key=lambda image: image.pushed, reverse=True), []
    for rule in rules(text):
        selection, number = rule["selection"], rule["selection"]["countNumber"]
        fitting = [image for image in left if _selects(selection, image)]
        if selection["countType"] == "imageCountMoreThan":
            old = fitting[number:]
        else:
            old = [image for image in fitting if image.pushed < now - number * DAY]
        found += [(image, int(rule["rulePriority"])) for image in old]
        # An image that one rule selects is left alone by the less important ones.
        left = [image for image in left if image not in fitting]
    return found


def _selects(selection: dict[str, Any], image: Image) -> bool:
    if selection["tagStatus"] != "tagged":
        return selection["tagStatus"] == "any" or not image.tags
    prefixes = all(any(t.startswith(one) for t in image.tags) for one in selection.get("tagPrefixList", ()))
    patterns = all(any(fnmatchcase(t, one) for t in image.tags) for one in _plain(selection.get("tagPatternList", ())))
    return prefixes and patterns


def _plain(patterns: Iterable[str]) -> Iterable[str]:
    """Only `*` means something there."""
    return (pattern.replace("[", "[[]").replace("?", "[?]") for pattern in patterns)
