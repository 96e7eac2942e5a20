"""The window.  Qt is imported here and in the composition root only."""
