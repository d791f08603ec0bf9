"""JSON that other processes wrote: an object or an error, and only numbers that JSON itself knows."""

from __future__ import annotations

import json
import math
from typing import Any

from crl_robot.errors import ContractError


def facts_of(text: str) -> dict[str, Any]:
    """The object of a status message; NaN and infinities become null.

    Raises:
        ContractError: it is not JSON, or not an object.
    """
    try:
        facts = json.loads(text, parse_constant=lambda _: None)
    except ValueError as error:
        raise ContractError(f"{text[:60]!r} is not JSON ({error}), expected an object") from error
    if not isinstance(facts, dict):
        raise ContractError(f"{text[:60]!r} is {type(facts).__name__}, expected an object in braces")
    return facts


def plain(value: Any) -> Any:
    """The same value with null for each number that JSON does not know."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value
