"""Blind comparisons behind the window: which wait, and one that is being judged."""
