"""What things cost: each script measures one of them, its results stand beside it."""
