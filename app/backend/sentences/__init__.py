"""What a typed sentence is heard as, how familiar it is, and every sentence there is."""
