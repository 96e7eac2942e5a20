"""Blind comparisons in the database: their clips, what was said of them, what they show."""
