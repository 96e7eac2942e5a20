"""Keeping a database sound: migrations with a backup before each, recovery, verification."""
