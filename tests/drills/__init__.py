"""Faults made on purpose, on real processes."""
