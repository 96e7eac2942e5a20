"""What a round came to in play: paired starts, the eye or a person as judge, what is put in use."""
