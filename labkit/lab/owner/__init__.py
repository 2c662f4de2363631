"""What a lab's owner does for guests: the same as for itself, requested over HTTPS."""
