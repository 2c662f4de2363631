"""What the classroom keeps: an SQL database, SQLite or PostgreSQL. Results, overrulings and events are only ever added."""
