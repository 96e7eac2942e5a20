"""The page on which the agent plays: picture, sentence, who drives, status."""
