"""One thread for all of torch's work: threads that wait for each other make small tests slow on a busy machine."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)
