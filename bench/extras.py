#!/usr/bin/env python3
"""Measures what each part beyond the standard lab costs once an exercise has started it, and writes its section of
docs/performance.md with --write.

    .venv/bin/python bench/extras.py [--runs 3] [--write]

The image of a part is built before, if it is missing: that happens once on a machine.
"""

import argparse
import statistics
import time

import lab as bench  # chooses a lab of its own, before labkit is imported
import page

from labkit import paths
from labkit.lab import find
from labkit.lab.engine import engines, images, recipes, sdk
from labkit.lab.lifecycle import provision
from labkit.lab.plan import EXTRAS


def size(engine, image):
    """Bytes of an image beyond the lab image."""
    with sdk.client(engine) as api:
        return api.images.get(image).attrs["Size"] - api.images.get(images.name()).attrs["Size"]


def measured(engine, name, runs):
    """[seconds of a start, …], bytes of memory, and bytes of its own image (0: the lab image)."""
    own = {machine.recipe for machine in EXTRAS[name]} - {""}
    recipes.ensure(engine, EXTRAS[name], images.name(), bench.quiet)
    seconds, memory = [], []
    for _ in range(runs):
        bench.up()
        before = bench.memory(engine)
        start = time.perf_counter()
        provision.start_extra(find.current(), name, bench.quiet)
        seconds.append(time.perf_counter() - start)
        memory.append(bench.memory(engine) - before)
        bench.down()
    image = sum(size(engine, recipes.name(recipe, images.name())) for recipe in own)
    return seconds, statistics.median(memory), image


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--write", action="store_true")
    chosen = options.parse_args()
    engine = engines.ensure(paths.home(), print)
    images.ensure(engine, print)
    rows = []
    try:
        for name in EXTRAS:
            seconds, memory, image = measured(engine, name, chosen.runs)
            own = f"{image / 1e6:.0f} MB on top of the lab image" if image else "the lab image"
            rows.append(f"| `{name}` | {statistics.median(seconds):.2f} s | {memory / 2**20:.0f} MiB | {own} |")
            print(rows[-1])
    finally:
        bench.down()
    if chosen.write:
        text = "\n".join(
            [
                "A part starts when an exercise that needs it is opened, and costs nothing before. The values are medians.",
                "Memory is what the containers use more than before, without the page cache, right after the start.",
                "",
                "| part | start | memory | image |",
                "|---|---|---|---|",
                *rows,
            ]
        )
        page.put("What exercises bring", f".venv/bin/python bench/extras.py --runs {chosen.runs} --write", text)


if __name__ == "__main__":
    main()
