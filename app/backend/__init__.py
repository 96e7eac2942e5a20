"""Behind the window, without Qt: store, models, games and rounds as values and protocols."""
