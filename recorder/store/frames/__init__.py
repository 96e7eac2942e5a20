"""Pictures in the database: H.264 segments in and out, single frames, playing an episode back."""
