"""Playing starts and counting: who played what, with which outcome, and a verdict."""
