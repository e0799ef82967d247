"""`python -m xivo_confgend.client` is `confgen`."""

from xivo_confgend.client import main

if __name__ == "__main__":
    main()
