"""Colours, stylesheet, icons and the small widgets that every page shares."""
