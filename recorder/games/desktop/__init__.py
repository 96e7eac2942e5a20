"""Any game in a window of its own."""
