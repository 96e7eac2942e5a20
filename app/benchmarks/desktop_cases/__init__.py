"""What ``playteach benchmark desktop`` measures, on a desktop of its own."""
