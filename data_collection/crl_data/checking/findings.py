"""What looking at an episode brings up."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Findings:
    """One line per finding.

    Attributes:
        damage: data are lost or not what they should be.
        warnings: unusual, but such data can be right.
    """

    damage: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def require(self, holds: bool, damage: str) -> None:
        """Note damage unless something holds."""
        if not holds:
            self.damage.append(damage)

    def expect(self, holds: bool, warning: str) -> None:
        """Note a warning unless something holds."""
        if not holds:
            self.warnings.append(warning)
