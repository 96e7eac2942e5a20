"""The command line, the play session, the window and what lies behind it."""

__version__ = "0.1.0"
