"""Which model plays: where one comes from, how it is loaded, what the window may ask of it."""
