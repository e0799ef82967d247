"""Drivers of the resource `phoned`."""
