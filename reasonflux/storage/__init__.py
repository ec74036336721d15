"""Run directories on any fsspec URI: stores, stages, leases."""
