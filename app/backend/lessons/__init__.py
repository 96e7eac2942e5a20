"""What the person teaches: what was collected, rounds and what they came to, what to do next."""
