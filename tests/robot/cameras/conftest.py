import pytest


@pytest.fixture
def closing():
    """Takes rigs and closes them at the end of the test."""
    rigs = []

    def keep(rig):
        rigs.append(rig)
        return rig

    yield keep
    for rig in rigs:
        rig.close()
