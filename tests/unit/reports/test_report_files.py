"""The reports' files: values bound where Athena takes them, columns and ranges as declared."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from chalicelib.services.reports.files import FOLDER, Report, all_reports, read_report


@pytest.mark.parametrize("report", all_reports(), ids=lambda report: report.name)
def test_values_are_bound_in_where_alone(report: Report) -> None:
    tree = sqlglot.parse_one(report.statement, dialect="athena")
    found = list(tree.find_all(exp.Placeholder))
    assert len(found) == len(report.order) > 0
    assert all(one.find_ancestor(exp.Where) for one in found)


@pytest.mark.parametrize("report", all_reports(), ids=lambda report: report.name)
def test_the_declared_columns_are_those_of_the_statement(report: Report) -> None:
    tree = sqlglot.parse_one(report.statement, dialect="athena")
    assert tuple(tree.named_selects) == report.columns


@pytest.mark.parametrize("report", all_reports(), ids=lambda report: report.name)
def test_each_report_looks_at_a_range_of_partitions(report: Report) -> None:
    assert {"start", "end"} <= set(report.order)


def test_a_file_that_declares_another_parameter_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wrong.sql"
    path.write_text(
        "-- title: t\n-- description: d\n-- parameter: start date default=today-1; A day.\n"
        "-- columns: a\nSELECT a FROM ticks WHERE date >= :stat\n"
    )
    with pytest.raises(ValueError, match="declared parameters"):
        read_report(path)


def test_reports_are_where_the_package_has_them() -> None:
    assert FOLDER.parent.name == "chalicelib"
    assert "AAPL" not in "".join(path.read_text() for path in FOLDER.glob("*.sql"))
