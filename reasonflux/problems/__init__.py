"""Problem sets and similar problems."""
