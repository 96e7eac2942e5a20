"""Lessons that no game judges: who shows them, and who says whether they were learnt."""
