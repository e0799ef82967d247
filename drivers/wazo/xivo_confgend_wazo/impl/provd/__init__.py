"""Drivers of the resource `provd`."""
