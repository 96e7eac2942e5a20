"""Dialogs: settings, games, models, diagnostics, about, the first start."""
