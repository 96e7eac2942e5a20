"""What ``playteach benchmark decoding`` measures, one case a file."""
