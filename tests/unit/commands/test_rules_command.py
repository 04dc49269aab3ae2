"""`python -m local rules` over tables in memory: plan, apply and export, with conflicts."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

import commands
from chalicelib.bootstrap import Services
from chalicelib.domain.bars import Bar
from chalicelib.domain.rules import parse_rule
from chalicelib.services.symbol_stores import SymbolEntry
from commands import rules_command, target
from commands.rule_files import read_rules
from rigs.memory_aws.dynamodb import Perform
from rigs.memory_aws.system import SETTINGS, Aws
from tests.stored_rules import store_rule

NOW = datetime(2026, 11, 20, 22, tzinfo=UTC)

NUMBER = "a number has at most 30 digits before and after the decimal point"

FILE = """
[variables]
tech = ["AAPL", "MSFT"]
days = 3

[rules.breakout]  # one for each symbol
symbols = "${tech}"
interval = "1d"
when = "close > highest(${days})[1]"
trigger = "once_per_session"

[rules.level]
symbol = "AAPL"
condition = "crossing_up"
value = 100.5
severity = "urgent"
"""


@pytest.fixture
def aws() -> Aws:
    return Aws()


@pytest.fixture(autouse=True)
def services(monkeypatch: pytest.MonkeyPatch, aws: Aws, tmp_path: Path) -> Services:
    """The system that the command finds, with 60 days of AAPL, and a file of rules."""
    found = Services(SETTINGS, lambda: NOW, aws)
    monkeypatch.setattr(target, "services", lambda _: Services(SETTINGS, lambda: NOW, aws))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.toml").write_text(FILE)
    days = [NOW.date() - timedelta(days=60 - n) for n in range(60)]
    bars = [
        Bar(
            symbol="AAPL",
            interval="1d",
            start=f"{day}T00:00:00.000000Z",
            open=close,
            high=close + 1,
            low=close - 1,
            close=close,
            session_date=str(day),
        )
        for n, day in enumerate(days)
        for close in [Decimal(100 + 5 * (n % 6))]
    ]
    found.stores.bars.write_history(bars, "2026-11-20T00:00:00.000000Z", float("inf"))
    return found


def run(*arguments: str) -> int:
    return commands.run("rules", list(arguments))


def plan_id(said: str) -> str:
    return said.split("Plan ")[-1].strip()


def test_a_file_is_planned_applied_and_then_has_nothing_to_change(
    capsys: pytest.CaptureFixture[str], services: Services
) -> None:
    assert run("plan") == 0
    said = capsys.readouterr().out
    assert said.splitlines()[:2] == [
        "+ breakout-AAPL  AAPL 1d  close > highest(3)[1]",
        "      0 -> 10 a year, the last on 2026-11-17",
    ]
    assert "+ breakout-MSFT" in said
    assert "warning: there are no prices of the last year to try it on" in said
    assert "+ level  AAPL tick  crossing_up" in said
    assert "3 to add, 0 to change, 0 to delete. Plan " in said
    assert services.stores.rules.all() == []
    assert run("apply", "--plan", plan_id(said)) == 0
    assert {rule.rule_id for rule in services.stores.rules.all()} == {
        "breakout-AAPL",
        "breakout-MSFT",
        "level",
    }
    capsys.readouterr()
    assert run("plan") == 0
    assert capsys.readouterr().out.startswith("no changes. Plan ")
    assert run("apply", "--yes") == 0


def test_a_change_says_both_values_and_how_often_it_fired_before_and_after(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("apply", "--yes")
    Path("rules.toml").write_text(FILE.replace("days = 3", "days = 10"))
    capsys.readouterr()
    assert run("plan", "--format", "markdown") == 0
    said = capsys.readouterr().out
    assert "! breakout-AAPL  AAPL 1d  close > highest(10)[1]" in said
    assert "      when: close > highest(3)[1] -> close > highest(10)[1]" in said
    assert "      10 -> 0 a year" in said
    assert "      warning: it would not have fired in the last year" in said
    assert "0 to add, 2 to change, 0 to delete" in said
    assert said.startswith("### Rules of this machine\n\n```diff\n")


def test_apply_refuses_when_the_plan_is_not_what_was_planned(
    capsys: pytest.CaptureFixture[str], services: Services
) -> None:
    run("plan")
    planned = plan_id(capsys.readouterr().out)
    other = parse_rule({"symbol": "AAPL", "condition": "every_record"}, "mine")
    store_rule(services.stores.rules, other)
    assert run("apply", "--plan", planned) == 1
    assert f"plan {planned} is out of date" in capsys.readouterr().err
    assert services.stores.rules.all() == [other]


def test_apply_is_atomic_beside_a_write_of_the_page(
    capsys: pytest.CaptureFixture[str], services: Services, aws: Aws
) -> None:
    other = parse_rule({"symbol": "AAPL", "condition": "every_record"}, "mine")

    def page_is_faster(operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        if operation == "TransactWriteItems":
            aws.around = usual
            store_rule(services.stores.rules, other)
        return usual(operation, request, perform)

    usual = aws.around
    aws.around = page_is_faster
    assert run("apply", "--yes") == 1
    assert "changed by others since" in capsys.readouterr().err
    assert services.stores.rules.all() == [other]


def test_rules_of_the_page_stay_unless_they_are_pruned(
    capsys: pytest.CaptureFixture[str], services: Services
) -> None:
    store_rule(
        services.stores.rules, parse_rule({"symbol": "X", "condition": "every_record"}, "mine")
    )
    run("apply", "--yes")
    assert "1 made elsewhere is left alone" in capsys.readouterr().out
    Path("rules.toml").write_text(FILE.partition("[rules.level]")[0])
    assert run("apply", "--yes") == 0
    assert {rule.rule_id for rule in services.stores.rules.all()} == {
        "breakout-AAPL",
        "breakout-MSFT",
        "mine",
    }
    run("apply", "--yes", "--prune")
    assert "0 to add, 0 to change, 1 to delete. Plan" in capsys.readouterr().out
    assert "mine" not in {rule.rule_id for rule in services.stores.rules.all()}


def test_a_rule_that_moves_to_another_symbol_is_one_rule(services: Services) -> None:
    run("apply", "--yes")
    Path("rules.toml").write_text(FILE.replace('symbol = "AAPL"', 'symbol = "SPY"'))
    run("apply", "--yes")
    assert [one.symbol for one in services.stores.rules.all() if one.rule_id == "level"] == ["SPY"]


def test_an_export_can_be_applied_without_a_change(
    capsys: pytest.CaptureFixture[str], services: Services
) -> None:
    run("apply", "--yes")
    before = services.stores.rules.all()
    assert run("export", "--out", "exported.toml") == 0
    assert run("plan", "exported.toml") == 0
    assert "no changes" in capsys.readouterr().out
    assert run("apply", "exported.toml", "--yes") == 0
    assert services.stores.rules.all() == before
    run("export")
    assert capsys.readouterr().out.endswith(Path("exported.toml").read_text())


def test_a_condition_is_tried_in_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("try", "close > highest(3)[1]", "--symbol", "AAPL") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == [
        "AAPL 1d  close > highest(3)[1]",
        "10 fires at 60 prices, unknown at 3",
        "  2026-09-24T00:00  115",
    ]
    assert any(line.startswith("after 1 bar: ") for line in said)
    assert any(line.startswith("bought after each fire for 20 bars: ") for line in said)
    assert said[-1] == "Past results say nothing about the future."
    assert run("try", "close > 9999", "--symbol", "AAPL") == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["0 fires at 60 prices, unknown at 0"]
    assert run("try", "close > highst(3)", "--symbol", "AAPL") == 2
    assert "when, column 9" in capsys.readouterr().err


@pytest.mark.parametrize("answer", ["yes", "no", ""])
def test_apply_asks(monkeypatch: pytest.MonkeyPatch, services: Services, answer: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{answer}\n" if answer else ""))
    assert run("apply") == (0 if answer == "yes" else 1)
    assert bool(services.stores.rules.all()) == (answer == "yes")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[rules.a]\nsymbol = 'A'\ninterval = '1h'\nwhen = 'rsy < 3'", "rules.a: when, column 1"),
        ("[rules.a]\nsymbol = '${x}'", "rules.a: unknown variable x; known: none"),
        ("[rules.a]\nsymbols = 'AAPL'", "rules.a: symbols: expected a list"),
        ("[rules.'a b']\nsymbol = 'A'", "rules.a b: a name has"),
        ("rules = 3", "rules: expected a table"),
        ("[rule.a]", "unknown table rule; allowed: variables, rules"),
        ("[rules.a]\nsymbol =", "Invalid value"),
        ("[rules]\na = 1", "rules.a: expected a table"),
        (
            "[rules.a]\nsymbols = ['A.B', 'A_B']\ncondition = 'every_record'",
            "another rule has the id a-A_B",
        ),
        ("[rules.a]\nsymbol = 'A'\ncondition = 'greater_than'\nvalue = '3'", "rules.a: value"),
        ("[rules.a]\nsymbol = 'A'\ncondition = 'every_record'\nchannels = ['none']", "channels"),
        (
            "[variables]\ntech = ['A']\n[rules.a]\nsymbols = ['${tech}', 'X']",
            "rules.a: symbols: ['A'] is not allowed; allowed: symbols as strings, or symbols = ",
        ),
        ("[rules.a]\nsymbols = [{a = 1}]", "rules.a: symbols: {'a': 1} is not allowed"),
        ("[rules.a]\nsymbols = [1]", "rules.a: symbols: 1 is not allowed"),
        (f"[rules.a]\nvalue =  {'9' * 5000}", "after the decimal point (at line 2, column 10)"),
        (f"[rules.a]\nvalue = 0x{'f' * 5000}", f"rules.a: value: {NUMBER}"),
        ("[rules.a]\nvalue = 1e9999999999999999999999", f"rules.a: value: {NUMBER}"),
        ("[rules.a]\nvalue = -inf", f"rules.a: value: {NUMBER}"),
        ("[rules.a.when]\nleft = [nan]", f"rules.a: when.left: {NUMBER}"),
        ("[variables]\nlow = [3, 1e999999999]", f"variables.low: {NUMBER}"),
        ("[variables]\nlow = 1e-999999999", f"variables.low: {NUMBER}"),
        ("#" * 100_001, "larger than 100000 bytes"),
        (f"[rules{'.a' * 11}]", "a key with more than 10 parts (at line 1, column 2)"),
        (f"x = {{ {'.'.join('a' * 20_000)} = 1 }}", "a key with more than 10 parts"),
        ("[rules]\n" + '"a b" . ' * 10_000 + "a = 1", "a key with more than 10 parts"),
        ("[rules]\n" + r'"\"".' * 12 + "a = 1", "a key with more than 10 parts"),
        (f'x = {{ a = """b"""", {"c ." * 11} d = 1 }}', "a key with more than 10 parts"),
        (f"x = {{ a = '''b'''', {'c. ' * 11} d = 1 }}", "a key with more than 10 parts"),
        ("#" + r'\"""' * 20_000 + f"\n[rules{'.a' * 11}]", "(at line 2, column 2)"),
        ('"""\n' + '\\"""\n' * 16_000 + "\\", "Expected '='"),
        ("x = " + r'\"""' * 20_000, "Invalid value (at line 1, column 5)"),
        (f'x = """{"a." * 20}', "Unterminated string"),
        (f'# {"a." * 20}\nx = \'{"a." * 20}\'\ny = """\n{"a." * 20}"""', "unknown table"),
        (f"x = {'[' * 90_000}", "rules.toml: "),
        (
            f"[variables]\nx = '{'9' * 4_000}'\n[rules.a]\nwhen = '{'${x}' * 20_000}'",
            "rules.a: longer than 10000 characters with ${x}",
        ),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_place(
    capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    Path("rules.toml").write_text(text)
    assert run("plan") == 2
    assert said in capsys.readouterr().err


def test_a_set_that_does_not_fit_is_refused_before_anything_is_written(
    capsys: pytest.CaptureFixture[str], services: Services
) -> None:
    names = ", ".join(f'"S{n}"' for n in range(99))
    Path("rules.toml").write_text(f"[rules.a]\nsymbols = [{names}]\ncondition = 'every_record'\n")
    assert run("apply", "--yes") == 1
    assert "at most 98 fit into one write" in capsys.readouterr().err
    many = "".join(f"[rules.r{n}]\nsymbol = 'A'\ncondition = 'every_record'\n" for n in range(46))
    Path("rules.toml").write_text(many)
    assert run("apply", "--yes") == 1
    assert "A would have 51 enabled rules" in capsys.readouterr().err
    wide = "".join(
        f"[rules.{i}]\nsymbol = 'A'\ninterval = '{i}'\nwhen = 'close > sma(400, 30m)'\n"
        for i in ("1m", "5m", "15m", "30m", "1h")
    )
    Path("rules.toml").write_text(wide)
    assert run("apply", "--yes") == 1
    assert "would need" in capsys.readouterr().err
    assert services.stores.rules.all() == []


def test_a_rule_that_is_off_is_shown_without_a_count(capsys: pytest.CaptureFixture[str]) -> None:
    off = FILE.replace("days = 3", "days = 10").replace("trigger", "enabled = false\ntrigger")
    Path("rules.toml").write_text(off)
    run("plan")
    said = capsys.readouterr().out
    assert "\n      0 -> off a year\n+ breakout-MSFT" in said
    Path("rules.toml").write_text(FILE)
    run("apply", "--yes")
    Path("rules.toml").write_text(FILE.replace("trigger", "enabled = false\ntrigger"))
    capsys.readouterr()
    run("plan")
    assert "\n      10 -> off a year\n~ breakout-MSFT" in capsys.readouterr().out


def test_a_symbol_in_both_cases_makes_one_rule(tmp_path: Path) -> None:
    Path("rules.toml").write_text(FILE.replace('["AAPL", "MSFT"]', '["AAPL", "aapl"]'))
    found = read_rules(tmp_path / "rules.toml")
    assert [rule.rule_id for rule in found] == ["breakout-AAPL", "level"]


def test_a_small_number_of_a_variable_is_written_out_in_a_text(tmp_path: Path) -> None:
    small = FILE.replace("days = 3", "days = 1e-7").replace("highest(${days})[1]", "${days}")
    Path("rules.toml").write_text(small)
    assert read_rules(tmp_path / "rules.toml")[0].when == "close > 0.0000001"


def test_a_refusal_counts_rules_that_move_twice(capsys: pytest.CaptureFixture[str]) -> None:
    moved = "[rules.r{0}]\nsymbol = '{1}{0}'\ncondition = 'every_record'\n"
    Path("rules.toml").write_text("".join(moved.format(n, "A") for n in range(60)))
    assert run("apply", "--yes") == 0
    Path("rules.toml").write_text("".join(moved.format(n, "B") for n in range(60)))
    assert run("apply", "--yes") == 1
    said = capsys.readouterr().err
    assert "60 rules change, one that moves to another symbol counts twice, which makes 120" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--symbol", "*"), "--symbol *: name one symbol"),
        (("--symbol", "AAPL", "--days", "0"), "--days: '0' is not allowed; allowed: 1 to 36500"),
        (("--symbol", "AAPL", "--days", "-5"), "--days: '-5' is not allowed"),
        (("--symbol", "AAPL", "--days", "9999999"), "--days: '9999999' is not allowed"),
        (("--symbol", "AAPL", "--days", "9" * 5000), "is not allowed; allowed: 1 to 36500"),
        (("--symbol", "AAPL", "--days", "36501"), "--days: '36501' is not allowed"),
    ],
)
def test_trials_that_cannot_be_made_are_refused(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert run_to_exit("try", "close > 3", *arguments) == 2
    assert said in capsys.readouterr().err


def run_to_exit(*arguments: str) -> int:
    """Run a command that may end while its arguments are read."""
    try:
        return run(*arguments)
    except SystemExit as ended:
        return int(ended.code or 0)


def test_an_export_that_cannot_be_written_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run("export", "--out", str(tmp_path)) == 2
    assert f"--out {tmp_path}: Is a directory" in capsys.readouterr().err
    assert run("export", "--out", "missing/rules.toml") == 2
    assert "--out missing/rules.toml: No such file or directory" in capsys.readouterr().err


def test_deleting_a_replaced_default_says_that_the_default_is_in_force_again(
    capsys: pytest.CaptureFixture[str], services: Services
) -> None:
    services.stores.symbols.put(
        "tracked", SymbolEntry(symbol="AAPL", added_at="2026-11-20T00:00:00.000000Z")
    )
    replaced = "[rules.default-cross-1d]\nsymbol = '*'\ninterval = '1d'\nwhen = 'close > 100'\n"
    Path("rules.toml").write_text(replaced)
    run("apply", "--yes")
    Path("rules.toml").write_text("")
    capsys.readouterr()
    run("plan")
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == [
        "- default-cross-1d  * 1d  close > 100",
        "      the default is in force again",
        "      condition: when -> average_cross",
    ]
    assert "      10 -> 0 a year" in said
    assert "0 to add, 0 to change, 1 to delete" in said[-1]


def test_the_github_action_in_the_docs_comments_a_plan_and_applies_it() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "rules-in-git.md").read_text()
    action = yaml.safe_load(page.partition("```yaml\n")[2].partition("```")[0])
    assert set(action[True]) == {"pull_request", "push"}, "YAML reads `on` as true"
    steps = {step.get("if", ""): step.get("run", "") for step in action["jobs"]["rules"]["steps"]}
    comment = steps["github.event_name == 'pull_request'"]
    apply = steps["github.event_name == 'push'"]
    given = [
        found[1].split() for found in re.finditer(r"-m local rules ([\w\- ]+)", comment + apply)
    ]
    assert [words[0] for words in given] == ["plan", "apply"]
    plan, applied = (rules_command._parser().parse_args(words) for words in given)
    assert (plan.stage, plan.format) == ("prod", "markdown")
    assert (applied.stage, applied.yes) == ("prod", True)
    assert 'gh pr comment "$PR" --body-file plan.md' in comment
