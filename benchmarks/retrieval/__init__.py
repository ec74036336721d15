"""Which template is found for a problem, by what, how often and how fast."""
