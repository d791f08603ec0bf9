"""Ends with a message that names the apt packages when nothing on this machine renders without a screen."""

import ctypes
import os
import sys
from contextlib import suppress

LIBRARIES = {"egl": "libEGL.so.1", "osmesa": "libOSMesa.so.8"}


def main() -> str | None:
    """Why rendering is not possible, or None."""
    wanted = os.environ.get("MUJOCO_GL", "").lower()
    names = [LIBRARIES[wanted]] if wanted in LIBRARIES else list(LIBRARIES.values())
    # With MUJOCO_GL set, importing mujoco without the library ends in a traceback: look first.
    if not any(map(loads, names)):
        return (
            f"No {' or '.join(names)}: the simulated cameras cannot render. On Debian and Ubuntu, one of:\n"
            "  sudo apt install libegl1 libgl1-mesa-dri\n"
            "  sudo apt install libosmesa6    (then set MUJOCO_GL=osmesa)"
        )

    from crl_robot.errors import RenderError
    from crl_robot.sim.render import make_context

    try:
        make_context(8, 8).free()
    except RenderError as error:
        return str(error)
    return None


def loads(library: str) -> bool:
    """Whether the dynamic linker finds a library."""
    with suppress(OSError):
        return bool(ctypes.CDLL(library))
    return False


if __name__ == "__main__":
    sys.exit(main())
