"""The agent's own eye: learns from a person's marks when a sentence is done, and judges by it."""
