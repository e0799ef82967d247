"""Numbers in warnings, as people write them."""

from xivo_confgend.client.wording import counted

__all__ = ["counted"]
