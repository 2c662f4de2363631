"""The `labkit` command: main.py knows which command is where, each family of commands has a module, output.py prints."""
