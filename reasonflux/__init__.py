"""Batch evaluation and data generation on Ray for hierarchical reasoning over thought templates."""

__version__ = "0.1.0"
