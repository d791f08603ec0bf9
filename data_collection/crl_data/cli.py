"""`crl-data`: make, look at, check and exchange trajectory stores."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from crl_data.verbs import exchange, keeping, looking, making
from crl_robot.errors import CrlError


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code (2 for a refusal)."""
    parsed = _parser().parse_args(arguments)
    try:
        code = parsed.run(parsed)
        sys.stdout.flush()
        return code
    except CrlError as error:
        print(f"crl-data: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"crl-data: {getattr(parsed, 'stopped', 'stopped')}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever reads the output has seen enough; closing it must not raise again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="crl-data", description="Make, check, show and exchange trajectory stores.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for group in (making, looking, keeping, exchange):
        group.add(verbs)
    return parser


if __name__ == "__main__":
    sys.exit(main())
