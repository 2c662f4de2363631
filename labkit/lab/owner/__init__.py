"""What a lab's owner does for guests: the same that it does for itself, asked for over HTTPS."""
