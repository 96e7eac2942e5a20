"""Keys and mouse: sending the agent's, hearing the person's, letting everything go."""
