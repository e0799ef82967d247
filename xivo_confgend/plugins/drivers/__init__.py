"""The installed drivers."""
