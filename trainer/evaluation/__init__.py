"""Playing starts and counting: who played what, on which starts, with which outcome."""
