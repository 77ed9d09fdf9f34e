"""What the operator shows of itself: logs, metrics and HTTP endpoints."""
