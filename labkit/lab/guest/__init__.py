"""A guest's side of a lab: turns the owner's service's answers into the values that everything else works with."""
