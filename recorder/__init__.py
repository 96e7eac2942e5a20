"""What is seen and done, and its memory.  Imports neither torch nor Qt."""
