"""Statements that several drivers ask."""
