"""What is learnt from: recorded episodes, replay and yard states, as examples."""
