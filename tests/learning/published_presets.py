"""What papers and their released code say of each preset, by dotted setting; docs/algorithms.md names the sources."""

from typing import Any

Facts = dict[str, Any]


def of_run(batch_size: int, steps: int, warmup_steps: int = 0, decay_part: float = 0.0) -> Facts:
    return {
        "batch_size": batch_size,
        "steps": steps,
        "learning_rate": 3e-4,
        "warmup_steps": warmup_steps,
        "decay_part": decay_part,
    }


def of_algorithm(**facts: Any) -> Facts:
    return {f"algorithm.{name}": value for name, value in facts.items()}


def of_network(**facts: Any) -> Facts:
    return {f"network.{name}": value for name, value in facts.items()}


BRIDGE = of_network(
    encoder="resnet", hidden=(256, 256, 256), policy_block="swish", tanh=False, channels=(64, 128, 256, 512)
)
BRIDGE |= of_network(depths=(3, 4, 6, 3))
BRIDGE |= {"labels": "achieved", "image.size": (128, 128), "crop_probability": 1.0, "critic_sees_crop": True}
BRIDGE |= {"colour_jitter": (0.2, 0.2, 0.2, 0.1), "jitter_probability": 1.0}

STATES = of_network(inputs="state", hidden=(512, 512, 512), block="gelu_norm", policy_block="gelu", tanh=False)
STATES |= of_run(1024, 1_000_000)
IMAGES = of_network(encoder="impala", channels=(16, 32, 32), features=512, hidden=(512, 512, 512), block="gelu_norm")
IMAGES |= of_run(256, 500_000)
IMAGES |= {"image.size": (64, 64), "crop_pixels": 3, "crop_probability": 0.5, "critic_sees_crop": True}

OGBENCH_GOALS = {
    "goals": "clamped",
    "random_goals": 0.3,
    "current_goals": 0.2,
    "actor_goals": "uniform",
    "reached": "current",
}
OGBENCH = {
    "crl": of_algorithm(
        objective="nce",
        nce_weights="mean",
        goals="clamped",
        gamma=0.99,
        actor_goals="uniform",
        std=1.0,
        weighting="additive",
        normalise_q=True,
        actor_action="mean",
        bc_coef=3.0,
        cold_heads="none",
    )
    | of_network(repr_dim=512, scaled_logits=True, own_goal_encoder=True, critics=2),
    "gcbc": of_algorithm(goals="uniform", random_goals=0.0, std=1.0, bc_coef=1.0, critic_term=False),
    "gciql": of_algorithm(
        **OGBENCH_GOALS,
        gamma=0.99,
        tau=0.005,
        expectile=0.9,
        actor="climb",
        weighting="additive",
        normalise_q=True,
        bc_coef=1.0,
        std=1.0,
    ),
    "gcivl": of_algorithm(**OGBENCH_GOALS, gamma=0.99, tau=0.005, expectile=0.9, advantage_scale=10.0, std=1.0),
    "hiql": of_algorithm(
        **OGBENCH_GOALS,
        gamma=0.99,
        tau=0.005,
        expectile=0.7,
        advantage_scale=3.0,
        high_advantage_scale=3.0,
        subgoal_steps=10,
        std=1.0,
    )
    | of_network(repr_dim=10),
}

PUBLISHED: dict[str, Facts] = {
    "stable_crl_paper": of_run(2048, 300_000)
    | of_algorithm(objective="td", td_clip=20.0, goals="geometric", gamma=0.99, actor_goals="same", std=0.15)
    | of_algorithm(bc_coef=0.05, weighting="convex", normalise_q=False, tau=0.005, cold_heads="both")
    | of_network(encoder="paper", channels=(32, 64, 64), features=0, hidden=(1024,) * 4, repr_dim=16, critics=2)
    | of_network(block="paper", policy_block="tiny_norm_relu", tanh=False)
    | {"image.size": (48, 48), "crop_pixels": 4, "crop_probability": 0.5, "critic_sees_crop": False},
    "crl_paper": of_run(1024, 1_000_000)
    | of_algorithm(objective="nce", nce_weights="mean", goals="geometric", gamma=0.99, actor_random_goals=0.0)
    | of_algorithm(bc_coef=0.05, weighting="convex", cold_heads="none")
    | of_network(encoder="atari", channels=(32, 64, 64), hidden=(1024, 1024), repr_dim=16, block="relu", critics=2)
    | {"network.tanh": True, "image.size": (64, 64), "crop_probability": 0.0},
    "gcivl_paper": STATES
    | of_algorithm(**OGBENCH_GOALS, gamma=0.99, tau=0.005, expectile=0.9, advantage_scale=3.0, actor_random_goals=0.3)
    | of_network(policy_hidden=(256, 256), policy_block="relu"),
    "hiql_paper": STATES
    | of_algorithm(**OGBENCH_GOALS, gamma=0.99, tau=0.005, expectile=0.7, advantage_scale=1.0, high_advantage_scale=1.0)
    | of_algorithm(subgoal_steps=25, subgoal_gradient=False, actor_random_goals=0.3)
    | of_network(repr_dim=10, policy_hidden=(256, 256), policy_block="relu"),
    "stable_crl_bridge": BRIDGE
    | of_run(256, 2_000_000, 2000, 1.0)
    | of_algorithm(
        objective="td", gamma=0.98, actor_goals="uniform", std=1.0, bc_coef=0.2, tau=0.002, cold_heads="both"
    )
    | of_network(block="norm_swish", repr_dim=16, critics=2, coordinates=False)
    | {"critic_decays": False},
    "gcbc_bridge": BRIDGE
    | of_run(256, 2_000_000, 2000, 1.0)
    | of_algorithm(goals="uniform", std=1.0, bc_coef=1.0)
    | of_network(coordinates=True),
    "gciql_bridge": BRIDGE
    | of_run(256, 2_000_000, 2000, 0.0)
    | of_algorithm(goals="uniform", random_goals=0.1, next_goals=0.09, current_goals=0.0, reached="next", gamma=0.98)
    | of_algorithm(expectile=0.7, actor="advantage", advantage_scale=1.0, tau=0.002, std=1.0)
    | of_network(block="swish", critics=1, coordinates=True),
    **{f"{name}_ogbench": STATES | facts for name, facts in OGBENCH.items()},
    **{f"{name}_ogbench_visual": IMAGES | facts for name, facts in OGBENCH.items()},
}
PUBLISHED["hiql_ogbench"]["algorithm.subgoal_gradient"] = False
PUBLISHED["hiql_ogbench_visual"]["algorithm.subgoal_gradient"] = True
