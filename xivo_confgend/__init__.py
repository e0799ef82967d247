"""Configuration generation daemon: entry points in, configuration files out."""
