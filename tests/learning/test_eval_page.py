"""The page of an evaluation: whole in one file, and right about what it shows."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from crl_learning.eval_comparison import Group, compare_all
from crl_learning.eval_page import FAILURES, write_page
from crl_learning.eval_pictures import Pictures
from crl_learning.trials import Trial

VOID = ("meta", "img", "line", "rect", "circle", "polygon", "polyline")


class Reader(HTMLParser):
    """Checks that tags nest, and keeps the text."""

    def __init__(self, page: str):
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def group(subject: str, finals_cm, task: str = "push") -> Group:
    rng = np.random.default_rng(0)
    pictures = Pictures.take(*rng.integers(0, 255, (2, 24, 32, 3), dtype=np.uint8))
    where = (0.3, 0.0, 0.1), (0.2, 0.1, 0.05), (0.3, 0.1), (0.4, 0.1)
    plain = Trial(task, 7, 0, *where, 0.05, (0.2, 0.1), 0.5, ("near", "moved"), 1, pictures=pictures)
    trials = [replace(plain, index=i, distances_m=(0.2, 0.1, cm / 100)) for i, cm in enumerate(finals_cm)]
    return Group(subject, task, tuple(trials))


@pytest.fixture
def written(tmp_path):
    def write(groups, videos=()) -> Reader:
        path = write_page(tmp_path / "report.html", groups, compare_all(groups), {"command": "crl-eval"}, videos)
        return Reader(path.read_text(encoding="utf-8"))

    return write


def test_the_page_needs_nothing_from_elsewhere_and_no_script(written):
    page = written([group("a", (1, 9)), group("b", (9, 9))])
    links = [value for _, attrs in page.tags for key, value in attrs.items() if key in ("src", "href")]
    assert links
    assert all(link.startswith("data:") for link in links)
    assert "script" not in {tag for tag, _ in page.tags}


def test_shares_stages_and_the_paired_test_stand_on_the_page(written):
    page = written([group("runs/a", (1,) * 8), group("runs/b", (9,) * 8)])
    text = " ".join(page.text)
    for words in ("100.0 % [67.6, 100.0]", "0.0 % [0.0, 32.4]", "near: runs/a", "exact McNemar", "0.008"):
        assert words in text


def test_failures_are_shown_farthest_first_and_successes_not(written):
    page = written([group("a", (1, 7, *range(10, 20)))])
    captions = [text for text in page.text if re.match(r"seed 7, trial \d+", text)]
    assert len(captions) == FAILURES
    assert captions[0].startswith("seed 7, trial 11: 19.0 cm left; got as far as near")
    assert not any("trial 0:" in caption for caption in captions)


def test_names_cannot_become_markup(written):
    page = written([group("<b>&", (1, 2))])
    assert "b" not in {tag for tag, _ in page.tags}
    assert "<b>&" in page.text


def test_videos_are_on_the_page_as_far_as_they_fit(written, tmp_path, monkeypatch):
    paths = [tmp_path / "videos" / name for name in ("push_0001_failure.mp4", "push_0000_success.mp4")]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"12345678")
    monkeypatch.setattr("crl_learning.eval_page.VIDEO_BYTES", 8)
    page = written([group("a", (1, 2))], paths)
    assert sum(tag == "video" for tag, _ in page.tags) == 1
    assert "push_0001_failure.mp4" in page.text


def test_a_task_of_one_trial_and_a_policy_that_never_fails_make_a_page(written):
    assert "1 trials" not in " ".join(written([group("a", (0.0,))]).text)
