"""The only crossing between Qt's thread and others."""
