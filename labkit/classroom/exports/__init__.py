"""Marks as files, each for whoever reads it. Pure: a `Gradebook` in, text or bytes out."""
