"""Luanti, the reference for games in a window of their own."""
