"""Graders, the verifier, and the trajectory reward (Eq. 3)."""
