"""Drivers of the resource `wazo`."""
