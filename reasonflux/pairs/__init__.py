"""Preference pairs and the data set that they are published as."""
