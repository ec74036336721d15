"""Rounds of hierarchical reinforcement learning: gates, promotion and lineage."""
