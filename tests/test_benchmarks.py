"""How the benchmarks count and write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.report import BEGIN, END, as_json, markdown, write_into
from benchmarks.samples import Sample, Table, number

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
