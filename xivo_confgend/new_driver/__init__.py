"""`xivo-confgend new-driver`: writes a complete driver distribution, tests included, for its author to change."""
