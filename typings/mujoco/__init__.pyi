"""MuJoCo's bindings are compiled and ship no stubs: treat every name as Any."""

from typing import Any

def __getattr__(name: str) -> Any: ...
