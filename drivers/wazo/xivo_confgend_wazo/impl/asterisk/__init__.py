"""Drivers of the resource `asterisk`."""
