"""The drivers: needs the same installation."""
