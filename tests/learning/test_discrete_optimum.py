"""On a small Markov decision process everything is known: what each objective of the critic converges to.

f is a table: state-action and goal go in one-hot, without hidden layers, and the representation has more entries than
there are states. p(g | s, a) is the discounted distribution of the states after (s, a), p(g) that of all goals.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch

from crl_learning.algorithms.contrastive import bootstrap_weight, infonce_loss, nce_loss, td_loss
from crl_learning.network_config import NetworkConfig
from crl_learning.networks.critic import Critic, all_scores

STATES, ACTIONS = 4, 2
PAIRS = STATES * ACTIONS
GAMMA = 0.5
BATCH = 500
NEAR = 0.06
"""Batches hold whole numbers of each pair and goal, so that their shares are off by a few percent."""
TABLE = NetworkConfig((1,), 0, (), 2 * STATES, inputs="state", block="relu", critics=1)


@dataclass(frozen=True)
class Mdp:
    """Ergodic, with the uniform policy. Pairs (s, a) have the number s * ACTIONS + a."""

    moves: torch.Tensor  # (PAIRS, STATES)
    pairs: torch.Tensor  # (PAIRS,) how often each is visited
    after: torch.Tensor  # (PAIRS, STATES) p(g | s, a)
    goals: torch.Tensor  # (STATES,) p(g)

    @property
    def log_ratio(self) -> torch.Tensor:
        return (self.after / self.goals).log()


@pytest.fixture(scope="module")
def mdp() -> Mdp:
    generator = torch.Generator().manual_seed(2)
    moves = torch.rand(PAIRS, STATES, generator=generator).pow(3) + 0.03
    moves /= moves.sum(1, keepdim=True)
    chain = moves.view(STATES, ACTIONS, STATES).mean(1)
    visited = torch.linalg.matrix_power(chain, 200)[0]
    occupancy = (1 - GAMMA) * torch.linalg.inv(torch.eye(STATES) - GAMMA * chain)
    pairs = visited.repeat_interleave(ACTIONS) / ACTIONS
    after = moves @ occupancy
    return Mdp(moves, pairs, after, pairs @ after)


def batch_of(mdp: Mdp, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pairs and goals (B,) that occur in a batch as often as they should, to the nearest whole number."""
    share = mdp.pairs[:, None] * mdp.after
    counts = (size * share).round().to(torch.int64).flatten()
    each = torch.arange(PAIRS * STATES).repeat_interleave(counts)
    return each // STATES, each % STATES


def fitted(loss_of: Callable[[Critic], torch.Tensor]) -> torch.Tensor:
    """f (PAIRS, STATES) at the minimum of a loss."""
    torch.manual_seed(0)
    critic = Critic((PAIRS,), TABLE, "none", actions=1)
    optimiser = torch.optim.LBFGS(critic.parameters(), max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = loss_of(critic)
        loss.backward()
        return loss

    optimiser.step(closure)
    return table_of(critic)


@torch.no_grad()
def table_of(critic: Critic) -> torch.Tensor:
    return all_scores(phi_of(critic, torch.arange(PAIRS)), psi_of(critic, torch.arange(STATES)))[0]


def phi_of(critic: Critic, pair: torch.Tensor) -> torch.Tensor:
    return critic.state_action(torch.eye(PAIRS)[pair], torch.zeros(len(pair), 1))


def psi_of(critic: Critic, goal: torch.Tensor) -> torch.Tensor:
    return critic.goal(torch.eye(PAIRS)[goal])


def contrasted(mdp: Mdp, loss: Callable[[torch.Tensor], torch.Tensor], size: int = BATCH) -> torch.Tensor:
    pair, goal = batch_of(mdp, size)
    return fitted(lambda critic: loss(all_scores(phi_of(critic, pair), psi_of(critic, goal))))


def test_nce_learns_the_log_ratio_of_the_goal_after_the_action_and_by_chance(mdp):
    assert (contrasted(mdp, nce_loss) - mdp.log_ratio).abs().max() < NEAR


def test_unweighted_nce_learns_the_same_less_the_log_of_the_number_of_negatives(mdp):
    negatives = len(batch_of(mdp, BATCH)[0]) - 1
    learned = contrasted(mdp, lambda logits: BATCH * nce_loss(logits, "mean"))
    assert (learned + math.log(negatives) - mdp.log_ratio).abs().max() < NEAR


def test_the_weights_of_the_paper_change_the_scale_of_the_loss_alone():
    logits = torch.randn(2, 5, 5)
    assert float(5 * nce_loss(logits, "paper")) == pytest.approx(float(nce_loss(logits)))


def test_forward_infonce_learns_the_same_up_to_a_constant_of_each_state_and_action(mdp):
    learned = contrasted(mdp, lambda logits: infonce_loss(logits, "forward"))
    assert (centred(learned, 1) - centred(mdp.log_ratio, 1)).abs().max() < NEAR


def test_backward_infonce_learns_the_same_up_to_a_constant_of_each_goal(mdp):
    learned = contrasted(mdp, lambda logits: infonce_loss(logits, "backward"))
    assert (centred(learned, 0) - centred(mdp.log_ratio, 0)).abs().max() < NEAR


def test_symmetric_infonce_learns_the_same_up_to_one_constant(mdp):
    learned = contrasted(mdp, infonce_loss)
    assert (learned - learned.mean() - mdp.log_ratio + mdp.log_ratio.mean()).abs().max() < NEAR


def test_the_logsumexp_penalty_takes_the_constant_away(mdp):
    """Without it the sum over goals of a row is free, with it the sum is near 1 whatever the batch."""
    pair, goal = batch_of(mdp, BATCH)
    learned = contrasted(mdp, lambda logits: infonce_loss(logits, "forward", penalty=1.0))
    assert learned[pair][:, goal].logsumexp(1).abs().max() < NEAR


def test_bootstrapping_agrees_with_sampled_futures(mdp):
    """TD with one critic as its own target, the behaviour policy's next action and no clip has the optimum of NCE."""
    share = mdp.pairs[:, None, None, None] * mdp.moves[:, :, None, None] * mdp.goals / ACTIONS
    share = share.expand(PAIRS, STATES, ACTIONS, STATES)
    counts = (40_000 * share).round().to(torch.int64).flatten()
    each = torch.arange(counts.numel()).repeat_interleave(counts)
    goal, each = each % STATES, each // STATES
    next_action, each = each % ACTIONS, each // ACTIONS
    arrived, pair = each % STATES, each // STATES
    f = torch.zeros(PAIRS, STATES, requires_grad=True)
    optimiser = torch.optim.Adam([f], lr=0.05)
    for _ in range(400):
        weight = bootstrap_weight(f[arrived * ACTIONS + next_action, goal][None], clip=0)
        loss = td_loss(f[pair, arrived][None], f[pair, goal][None], weight, GAMMA)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert (f.detach() - mdp.log_ratio).abs().max() < NEAR


def centred(table: torch.Tensor, axis: int) -> torch.Tensor:
    return table - table.mean(axis, keepdim=True)
