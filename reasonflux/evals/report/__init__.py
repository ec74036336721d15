"""One page of one or several runs: what ran, figures with intervals, pictures, failures, and every trajectory."""
