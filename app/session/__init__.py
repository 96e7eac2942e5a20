"""The play session: one control thread owns the game and asks who drives each tick. No Qt."""
