"""Where each part of the picture stands, in user units of an SVG: once side by side, once one below the other. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from labkit.view.picture import Box, Mark, Picture, Row

STAGES = {
    "ci": ("CI", "builds and tests"),
    "registry": ("Registry", "keeps and hands out"),
    "cd": ("CD", "deploys"),
    "swarm": ("Swarm", "runs"),
}
WAYS = ("push", "pull", "run")
"""The arrow from each stage to the next."""

WIDTH, GAP, PAD = 262, 46, 10
HEAD, TITLE, ROW, FOOT = 48, 30, 42, 8
BIG, SMALL = 14.5, 12.5
"""Sizes of letters; panel.css has them too."""

AVERAGE = 0.6
"""Width of a letter of a sans-serif font, as a part of its size, on the average and rounded up."""


@dataclass(frozen=True)
class Text:
    x: float
    y: float
    shown: str
    whole: str
    kind: str


@dataclass(frozen=True)
class PlacedRow:
    x: float
    y: float
    state: str
    mark: Mark | None
    name: Text
    detail: Text


@dataclass(frozen=True)
class PlacedBox:
    x: float
    y: float
    height: float
    title: Text
    rows: tuple[PlacedRow, ...]
    empty: Text | None


@dataclass(frozen=True)
class Arrow:
    way: str
    path: str
    tip: str
    label: Text


@dataclass(frozen=True)
class Drawing:
    """`kind` is wide or tall."""

    kind: str
    width: float
    height: float
    heads: tuple[tuple[Text, Text], ...]
    boxes: tuple[PlacedBox, ...]
    arrows: tuple[Arrow, ...]


def drawings(picture: Picture) -> list[Drawing]:
    return [_wide(picture), _tall(picture)]


def _wide(picture: Picture) -> Drawing:
    heads, boxes, arrows = [], [], []
    bottom = 0.0
    for number, stage in enumerate(STAGES):
        x = number * (WIDTH + GAP)
        heads.append(_head(stage, x, 0))
        placed = list(_stack(picture.stage(stage), x, HEAD + 6))
        boxes += placed
        bottom = max([bottom, *(one.y + one.height for one in placed)])
        if number:
            start, end, middle = x - GAP + 4, x - 6, HEAD + 22
            path, tip = f"M{start} {middle} H{end - 8}", f"M{end} {middle} l-9 -6 v12 z"
            arrows.append(Arrow(WAYS[number - 1], path, tip, _label(WAYS[number - 1], x - GAP / 2 - 2, middle - 12)))
    return Drawing("wide", 4 * WIDTH + 3 * GAP, bottom + 2, tuple(heads), tuple(boxes), tuple(arrows))


def _tall(picture: Picture) -> Drawing:
    heads, boxes, arrows = [], [], []
    y = 0.0
    for number, stage in enumerate(STAGES):
        if number:
            path, tip = f"M40 {y + 4} V{y + 30}", f"M40 {y + 38} l-6 -9 h12 z"
            arrows.append(Arrow(WAYS[number - 1], path, tip, _label(WAYS[number - 1], 76, y + 25)))
            y += 44
        heads.append(_head(stage, 0, y))
        placed = list(_stack(picture.stage(stage), 0, y + HEAD + 4))
        boxes += placed
        y = max([y + HEAD, *(one.y + one.height for one in placed)]) + 4
    return Drawing("tall", WIDTH + 2, y, tuple(heads), tuple(boxes), tuple(arrows))


def _head(stage: str, x: float, y: float) -> tuple[Text, Text]:
    name, does = STAGES[stage]
    return Text(x, y + 20, name, name, "head"), Text(x, y + 38, does, does, "does")


def _label(word: str, x: float, y: float) -> Text:
    return Text(x, y, word, word, "way")


def _stack(boxes: list[Box], x: float, y: float) -> Iterator[PlacedBox]:
    for box in boxes:
        height = TITLE + ROW * max(len(box.rows), 1) + FOOT
        rows = tuple(_row(row, x, y + TITLE + ROW * number) for number, row in enumerate(box.rows))
        empty = None if rows else _text(box.empty, x + PAD, y + TITLE + 22, SMALL, "empty", WIDTH - 2 * PAD)
        yield PlacedBox(x, y, height, _text(box.title, x + PAD, y + 21, BIG, "title", WIDTH - 2 * PAD), rows, empty)
        y += height + 10


def _row(row: Row, x: float, y: float) -> PlacedRow:
    inset = PAD + (28 if row.mark else 0)
    symbol = {"running": "✓ ", "moving": "… ", "failed": "✗ "}.get(row.state, "")
    room = WIDTH - inset - PAD
    name = _text(row.name, x + inset, y + 17, BIG, "name", room)
    told = symbol + row.detail
    most = int(room / (SMALL * AVERAGE))
    cut = told if len(told) <= most else f"{told[: most - 1]}…"  # a reason begins with what matters
    detail = Text(x + inset, y + 34, cut, told, f"detail lk-{row.state}")
    return PlacedRow(x + PAD + 10, y + 19, row.state, row.mark, name, detail)


def _text(whole: str, x: float, y: float, size: float, kind: str, room: float) -> Text:
    return Text(x, y, shorten(whole, int(room / (size * AVERAGE))), whole, kind)


def shorten(text: str, most: int) -> str:
    """At most so many letters; the middle goes, since a name's end is its tag."""
    if len(text) <= most:
        return text
    head = (most - 1) // 2
    return f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"
