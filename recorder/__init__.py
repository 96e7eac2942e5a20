"""Games, screen, keyboard and mouse, and the database of what was played.  No torch, no Qt."""
