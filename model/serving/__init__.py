"""Models from elsewhere: the Hugging Face hub, and servers that speak OpenAI's protocol."""
