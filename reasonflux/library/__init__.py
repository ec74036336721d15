"""The library of thought templates: load, check, save, resolve names, retrieve, extract, credit."""
