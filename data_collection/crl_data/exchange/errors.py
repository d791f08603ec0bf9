"""What can go wrong while data come from elsewhere."""

from __future__ import annotations

from crl_robot.errors import ConfigError, CrlError


class MappingError(ConfigError):
    """The mapping does not say, or says wrongly, what the source means; lists the choices and how to make one."""


class SourceError(CrlError, ValueError):
    """An episode of the source is damaged, incomplete or not what it claims to be; others may be whole."""
