"""The gradient steps of a round: LoRA on cached vision features, on one device or several."""
