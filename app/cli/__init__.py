"""The command line: one file a command; ``app/command_line.py`` has their flags."""
