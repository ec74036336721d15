"""The library of thought templates: load, normalise, resolve names."""
