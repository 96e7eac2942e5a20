"""The command line: one file a command, the parser in ``parser.py``."""
