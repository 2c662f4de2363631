"""A guest's side of a lab: what the owner's service answers, as the values that everything else works with."""
