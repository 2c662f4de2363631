"""The classroom's rules as pure functions: what is taken, what counts, what the board says. No database, no clock."""
