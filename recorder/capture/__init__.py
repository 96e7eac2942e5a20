"""What is on the screen: windows, and pictures of one of them."""
