"""What a lab holds: `observe`, with one looker per section, and the watch, which observes again whenever something happens."""

PATIENCE = 5.0
"""A machine that takes longer than this many seconds counts as not answering."""
