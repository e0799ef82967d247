"""How the benchmarks count and write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.files import COLUMNS, Floor, Generations, Round, combined
from benchmarks.report import BEGIN, END, Stolen, as_json, markdown, write_into
from benchmarks.samples import MOST, Often, Sample, Table, number

TABLE = Table("speed", "Speed", ["file", "users", "time s"], [["a.conf", 10_000, Sample((0.2, 0.1, 0.4))]], "A note.")


def test_the_median_is_in_the_middle():
    assert Sample((3.0, 1.0, 2.0)).median == 2.0


@pytest.mark.parametrize(("percent", "value"), [(50, 50.0), (99, 99.0), (100, 100.0), (1, 1.0)])
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(percent: float, value: float):
    assert Sample(tuple(float(n) for n in range(1, 101))).percentile(percent) == value


def test_a_percentile_of_one_value_is_that_value():
    assert Sample((7.0,)).percentile(99) == 7.0


def test_a_sample_is_written_with_its_spread():
    assert str(Sample((0.2, 0.1, 0.4))) == "0.200 (0.100–0.400)"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.01234, "0.012"), (1.234, "1.23"), (12.34, "12.3"), (123.4, "123"), (12345.6, "12,346")],
)
def test_a_number_has_three_digits_that_count(value: float, text: str):
    assert number(value) == text


def test_a_cell_is_found_by_other_cells_of_its_row():
    assert TABLE.value("users", file="a.conf") == 10_000


def test_a_row_that_is_not_there_has_no_cell():
    assert TABLE.value("users", file="b.conf") is None


def test_a_table_is_written_in_markdown():
    assert markdown(TABLE) == (
        "### Speed\n\nA note.\n\n"
        "| file   |  users |              time s |\n"
        "|--------|-------:|--------------------:|\n"
        "| a.conf | 10,000 | 0.200 (0.100–0.400) |\n"
    )


def test_every_single_run_is_in_the_json_output():
    content = json.loads(as_json({"Python": "3.11"}, [TABLE]))

    assert content["machine"] == {"Python": "3.11"}
    assert content["tables"]["speed"] == [
        {"file": "a.conf", "users": 10_000, "time s": {"median": 0.2, "runs": [0.2, 0.1, 0.4]}}
    ]


def test_results_replace_what_is_between_the_marks(tmp_path: Path):
    path = tmp_path / "B.md"
    path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")

    write_into(path, {"Python": "3.11"}, [TABLE])

    text = path.read_text()
    assert text.startswith("before\n") and text.endswith(f"{END}\nafter\n")
    assert "- Python: 3.11" in text and "### Speed" in text and "old" not in text


def test_a_file_without_marks_is_left_alone(tmp_path: Path):
    path = tmp_path / "B.md"
    path.write_text("nothing here\n")

    with pytest.raises(ValueError, match="results begin"):
        write_into(path, {}, [TABLE])

    assert path.read_text() == "nothing here\n"


@pytest.mark.parametrize(("seconds", "times"), [(2.0, 5), (0.3, 5), (0.1, 10), (0.001, MOST)])
def test_what_is_short_is_measured_for_a_second(seconds: float, times: int):
    assert Often(5, 0.99).values(lambda: seconds) == [seconds] * times


def test_a_quick_round_measures_as_often_as_it_is_told():
    assert Often(1, 0).values(lambda: 0.001) == [0.001]


def test_what_the_hypervisor_keeps_is_a_share_of_what_was_wanted(monkeypatch: pytest.MonkeyPatch):
    lines = iter(["cpu  100 0 50 900 10 5 5 20 0 0", "cpu  150 0 70 950 10 5 5 50 0 0"])
    monkeypatch.setattr("benchmarks.report._lines", lambda _path: [next(lines), "cpu0 1 2 3 4 5 6 7 8 0 0"])

    assert str(Stolen()) == "30.0 % of the processor time that was wanted"


def test_a_system_that_does_not_say_what_is_stolen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("benchmarks.report._lines", lambda _path: [])

    assert str(Stolen()) == "unknown"


def test_times_of_all_rounds_count_alike():
    slow = Round(Generations((9.0, 4.0, 5.0), 10, 2, (), 3_000_000), Floor((1.0, 2.0), (1.0, 1.0), 7))
    fast = Round(Generations((8.0, 1.0, 2.0, 3.0), 10, 2, (), 2_000_000), Floor((1.0,), (0.5,), 7))

    row = dict(zip(COLUMNS, combined("a.conf", 20, [slow, fast]), strict=True))

    assert row["first s"] == Sample((9.0, 8.0))
    assert row["time s"] == Sample((4.0, 5.0, 1.0, 2.0, 3.0))
    assert row["floor s"] == Sample((2.0, 3.0, 1.5))
    assert (row["ratio"], row["peak MB"], row["rows"]) == (1.5, 3, 7)
