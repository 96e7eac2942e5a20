"""The command line, the composition root, the play session and the window."""

__version__ = "0.1.0"
