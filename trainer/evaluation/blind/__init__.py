"""Blind comparison: which clip comes next, how it is filmed, and what the marks tell."""
