import json

import pytest

from crl_learning.bench_cli import main
from crl_learning.bench_sample import SampleBench
from crl_learning.bench_sample import run as run_sample
from crl_learning.bench_train import TrainBench, random_data
from crl_learning.bench_train import run as run_train

TINY = (
    "network.channels=[4,4,4]",
    "network.hidden=[16,16]",
    "network.repr_dim=4",
    "image.size=[16,16]",
    "threads=1",
    "device=cpu",
)


def test_the_paper_shape_is_the_published_one():
    config = TrainBench("paper").config()
    assert (config.batch_size, config.image.size, config.algorithm.objective) == (2048, (48, 48), "td")
    assert (config.network.hidden, config.network.critics, config.network.encoder) == ((1024,) * 4, 2, "paper")


def test_training_is_measured_beside_plain_eager_float32_and_matrix_products():
    facts = run_train(TrainBench("small", seconds=0.1, observations=200, batch=8, words=(*TINY, "network.features=8")))
    assert facts["ratio_to_eager_fp32"] == pytest.approx(facts["eager_fp32_ms_per_step"] / facts["ms_per_step"])
    assert facts["tflops"] == pytest.approx(facts["flops_per_step"] * facts["steps_per_s"] / 1e12)
    assert facts["fraction_of_matmul"] == pytest.approx(facts["tflops"] / facts["matmul_tflops"])
    assert facts["samples_per_s"] == pytest.approx(8 * facts["steps_per_s"])
    assert facts["peak_memory_bytes"] > 0
    assert facts["eager_fp32_ms_at_batch_256"] > 0


def test_sampling_is_measured_beside_numpy_and_gives_the_same_batch(tmp_path, capsys):
    file = tmp_path / "sample.json"
    words = ["sample", "--seconds", "0.1", "--observations", "200", "--batch", "16", "--json", str(file), *TINY]
    assert main(words) == 0
    facts = json.loads(file.read_text())
    assert set(facts["shapes"]) == {"paper", "small"}
    assert all(shape["equal_to_numpy"] for shape in facts["shapes"].values())
    assert facts["observation_bytes"] == 200 * 16 * 16 * 3
    assert facts["ratio_to_numpy"] == facts["shapes"]["paper"]["ratio_to_numpy"]
    assert "NumPy sampler" in capsys.readouterr().out


def test_a_wrong_setting_is_refused_in_one_line(capsys):
    assert main(["train", "--shape", "small", "network.hiden=[3]"]) == 2
    assert "did you mean 'hidden'" in capsys.readouterr().err


def test_the_same_seed_gives_the_same_observations():
    config = SampleBench("small", words=TINY).config()
    one, same, other = (random_data(config, 100, seed) for seed in (0, 0, 1))
    assert (one.images == same.images).all()
    assert (one.images != other.images).any()


def test_a_batch_of_another_size_can_be_asked_for():
    facts = run_sample(SampleBench("small", 0.05, 100, 4, 0, TINY))
    assert facts["batch_size"] == 4
