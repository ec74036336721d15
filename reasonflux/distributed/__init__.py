"""The only room with Ray: runtime, streams, engines, and stages bound to them."""
