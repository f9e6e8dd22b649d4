"""How far a count may be trusted: its interval, and whether the image is one of the kind that was learnt."""
