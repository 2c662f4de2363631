"""What was seen of a lab: typed values that can be saved, sent and graded again. Imports no other room."""
