"""Minecraft through MineRL or MineStudio, each in a process and an environment of its own."""
