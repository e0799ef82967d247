"""`xivo-confgend check-driver`: examines a driver package before it is shipped, and says what to do about each finding.

Not for the daemon: it builds, imports and runs what it examines, in processes of their own.
"""
