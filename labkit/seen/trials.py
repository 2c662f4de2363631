"""What a trial may be asked to play alone: `labkit check SLUG --try PART`."""

from labkit.seen import depot, runs, secured

PARTS = (*runs.PARTS, *secured.KINDS, *depot.NAMES)
"""Kinds of commits, of images, and of registries."""
