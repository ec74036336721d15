"""Measurements: accuracy protocols and speed."""
