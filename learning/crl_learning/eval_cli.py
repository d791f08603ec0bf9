"""crl-eval: trials of policies on tasks, with intervals, paired tests, raw records, pictures and one page."""

from __future__ import annotations

import sys
from collections.abc import Sequence

USAGE = """usage: crl-eval checkpoint=models/NAME task=reach episodes=200 seed=1000 out=out/eval
       crl-eval policy=oracle|random|still task=all
       crl-eval checkpoint=[A,B] task=[reach,push] seed=[0,1]    each on each, compared on the same trials
       crl-eval checkpoint=A via=ros lockstep=true               the same trajectories as via=direct
       crl-eval checkpoint=A task=ogbench/DATASET episodes=250   OGBench: 50 trials of each of its five goals
       crl-eval compare=[SIM,REAL]                               how well one folder of results predicts another
       crl-eval curves=[RUN,RUN]                                 success over the steps of training runs

Settings are given as key=value. They and their defaults:

"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run crl-eval; returns the exit code: 0 done, 1 a node failed, 2 refused, 130 interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    from crl_learning.commands import run_command

    return run_command("crl-eval", lambda: _work(words))


def _work(words: Sequence[str]) -> None:
    from crl_robot.resources import config_file

    if {"-h", "--help"} & set(words):
        print(USAGE + config_file("eval.yaml").read_text())
        return
    from rich.console import Console

    from crl_learning.eval_config import EvalConfig
    from crl_learning.settings import load_settings

    config = load_settings(EvalConfig, config_file("eval.yaml"), words)
    command, console = ["crl-eval", *words], Console()
    if config.compare:
        from crl_learning.eval_compare import compare_folders

        compare_folders(config, command, console)
        return
    if config.curves:
        from crl_learning.eval_curves import draw_curves

        draw_curves(config.curves, config.out, config.overwrite, console)
        return
    if config.on_ogbench:
        from crl_learning.ogbench.evaluate import evaluate_ogbench

        evaluate_ogbench(config, command, console)
        return
    from crl_learning.eval_run import evaluate

    evaluate(config, command, console)


if __name__ == "__main__":
    sys.exit(main())
