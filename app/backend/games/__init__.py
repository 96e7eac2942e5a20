"""Which game is played: those there are, what a profile of one says, how far it turns."""
