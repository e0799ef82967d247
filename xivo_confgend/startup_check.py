"""The check that the daemon makes of its configuration when it has started and after each reload, and only logs."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure

from xivo_confgend.children import Children
from xivo_confgend.client.wording import counted
from xivo_confgend.config import Configuration
from xivo_confgend.configuration_check import Database, Finding, findings

logger = logging.getLogger(__name__)


class StartupCheck:
    """Checks the newest configuration in the background. `errors`: what was found, as far as it is known."""

    def __init__(self) -> None:
        self.errors: tuple[str, ...] = ()
        self._children = Children()
        self._newest: Configuration | None = None

    def begin(self, configuration: Configuration) -> None:
        """Forget what was found before, and look at `configuration`, unless `check_at_start` is off."""
        self.stop()
        self._newest = configuration
        self.errors = configuration.errors
        if configuration.settings.check_at_start:
            checking = deferToThread(findings, configuration, self._children, Database.IF_READ)
            checking.addCallback(self._tell, configuration)
            checking.addErrback(self._fail)

    def stop(self) -> None:
        """End a check that is going on."""
        self._newest = None
        self._children.kill()

    def _tell(self, found: Sequence[Finding], configuration: Configuration) -> None:
        if configuration is not self._newest:
            return
        for one in found:
            logger.log(logging.ERROR if one.is_error else logging.WARNING, "configuration: %s", one.text)
        self.errors = (*configuration.errors, *(one.text for one in found if one.is_error))
        logger.info("the configuration was checked: %s", counted(len(self.errors), "error"))

    @staticmethod
    def _fail(failure: Failure) -> None:
        logger.error("the configuration could not be checked: %s", failure.getTraceback())
