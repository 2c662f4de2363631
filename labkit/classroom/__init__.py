"""Who takes part in a workshop, and what their work is worth. Nothing else of labkit imports this but its commands."""
