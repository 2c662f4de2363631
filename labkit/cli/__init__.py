"""The `labkit` command: main.py is the door, commands.py lists the commands, each family has a module, output.py prints."""
