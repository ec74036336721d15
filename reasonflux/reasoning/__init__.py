"""Reasoning: prompts, parsing, the navigator and the reasoner as plain async functions."""
