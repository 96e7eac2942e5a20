"""Play without a window: headless sessions, the scripted user, demonstrations, the demo."""
