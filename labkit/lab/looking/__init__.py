"""What a lab holds: `observe`, with one looker a section, and the watch, which looks again whenever something happens."""

PATIENCE = 5.0
"""Seconds after which a machine counts as not answering."""
