"""What a typed sentence becomes: told in taught words, or left as typed. No torch."""
