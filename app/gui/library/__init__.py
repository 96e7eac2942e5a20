"""The page of recorded attempts: list, filter, playback."""
