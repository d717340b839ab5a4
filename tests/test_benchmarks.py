"""The benchmarks run, on sizes that tell nothing of speed."""

import importlib
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def module(monkeypatch):
    """module(name) of the folder benchmarks, which is not installed."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    return lambda name: importlib.import_module(f"benchmarks.{name}")


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("objective", {"n_rows": 700, "rounds": 1}),
        ("image_features", {"n_images": 2, "n_units": 3, "max_iter": 1, "rounds": 1, "many": ()}),
        ("training", {"n_patches": 200, "max_iter": 3, "rounds": 1}),
    ],
)
def test_a_subject_reports(module, name, sizes):
    report = module(name).measure(**sizes)
    text = report.markdown()
    for table in report.tables:
        assert table.rows
        for row in table.rows:
            assert f"| {row[0]} |" in text


def test_contenders_take_turns(module):
    timing, order = module("timing"), []
    contenders = [timing.Contender(name, lambda name=name: order.append(name)) for name in "abc"]
    seconds = timing.take_turns(contenders, 3)
    assert "".join(order) == "abcbcacab"
    assert all(len(seconds[name].values) == 3 for name in "abc")


def test_ratios_are_taken_turn_by_turn(module):
    spread = module("timing").Spread
    ratio = spread(np.array([2.0, 20.0, 200.0])) / spread(np.array([1.0, 10.0, 100.0]))
    assert ratio.quartiles == (2, 2)
    assert (6 / ratio).median == 3


def test_other_results_are_not_timed(module):
    check = module("timing").check_same
    assert "1e-06" in check("J", 1.000001, 1.0, 1e-5)
    with pytest.raises(RuntimeError, match="J: results differ"):
        check("J", 1.1, 1.0, 1e-5)
    with pytest.raises(RuntimeError, match="nan"):
        check("J", np.nan, 1.0, 1e-5)


def test_aims_say_what_was_missed(module):
    aims, spread = module("report").Aims(), module("timing").Spread(np.array([1.0, 2.0, 3.0]))
    aims.at_least("speed", spread, 2)
    aims.at_most("memory", spread, 1.5, "{:.1f} MB")
    assert [row[-1] for row in aims.rows] == ["reached", "missed"]
    assert aims.rows[1][1:4] == ("2.0 MB", "1.5 MB – 2.5 MB", "at most 1.5 MB")


@pytest.mark.parametrize(
    ("seconds", "text"), [(12.34, "12.3 s"), (0.5, "500 ms"), (2e-3, "2.00 ms"), (5e-7, "0.50 µs")]
)
def test_durations_have_three_figures(module, seconds, text):
    assert module("report").duration(seconds) == text


def test_the_page_keeps_its_prose(module, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("one\n<!-- measured: J -->\nold\n<!-- end of J -->\ntwo\n", encoding="utf-8")
    module("page").write("J", "new", page)
    lines = page.read_text(encoding="utf-8").split("\n")
    assert [line for line in lines if line and "!--" not in line] == ["one", "new", "two"]
    with pytest.raises(ValueError, match="no place for K"):
        module("page").write("K", "new", page)
    assert [path.name for path in tmp_path.iterdir()] == ["page.md"]


def test_every_subject_has_a_place_on_the_page(module):
    page = module("page").PAGE.read_text(encoding="utf-8")
    for name in module("__main__").SUBJECTS:
        assert f"<!-- measured: {name} -->" in page
        assert f"<!-- end of {name} -->" in page
