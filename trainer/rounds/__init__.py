"""One LoRA round: its process, its gates, and the side of the app that starts and hears it."""
