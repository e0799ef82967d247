"""Health, for load balancers."""
