"""Numbers for Prometheus and for the console's charts."""
