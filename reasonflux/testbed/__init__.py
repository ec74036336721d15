"""A small world of word problems in which hierarchical reasoning can be learnt on a CPU, and its models."""
