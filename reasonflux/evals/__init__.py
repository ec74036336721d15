"""Benchmark runs: sampling protocols, metrics from stored verdicts, comparisons, and the layouts others read."""
