"""What was seen of a lab: typed values that are kept, sent and graded again. Reads nothing of the other rooms."""
