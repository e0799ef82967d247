"""The process in which one driver is tried out; `examination.py` starts it."""

from xivo_confgend.driver_check.trial import main

main()
