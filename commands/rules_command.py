"""`python -m local rules`: plans and applies a file of rules, for the running system or a stage.

The command reads and writes the tables directly, with AWS credentials.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache, partial
from pathlib import Path

from chalicelib.bootstrap import Services
from chalicelib.domain.backtest import TradingCosts
from chalicelib.domain.errors import Conflict, Contended, RuleError
from chalicelib.domain.rules import ANY_SYMBOL, Rule, parse_rule
from chalicelib.domain.times import to_text
from chalicelib.services.rules.backtests import backtest_of
from chalicelib.services.rules.rule_sets import Plan, RuleSets
from chalicelib.services.rules.yearly import Fires, fires_of
from chalicelib.services.symbols.lists import SEEN
from commands import rule_files, rule_plans, target
from commands.outcomes import FAILED, OK, UsageError

FILE = "rules.toml"
PREVIEW_SECONDS = 30.0
MAX_DAYS = 36_500


def rules(arguments: list[str]) -> int:
    """Plan, apply, export or try rules. Exit status 1 if a plan is out of date or not agreed to."""
    options = _parser().parse_args(arguments)
    wanted = rule_files.read_rules(options.file) if options.act in (_plan, _apply) else []
    services = target.services(options)
    stores = services.stores
    count = lambda: stores.symbols.count(SEEN)  # noqa: E731
    sets = RuleSets(stores.rules, services.defaults, services.channels.check, count)
    try:
        return int(options.act(services, sets, wanted, options))
    except RuleError as error:
        where = f"{options.file}: " if wanted else ""
        raise UsageError(f"{where}{error}") from error
    except (Conflict, Contended) as error:
        print(f"python -m local rules: {error}", file=sys.stderr)
        return FAILED


def _plan(
    services: Services, sets: RuleSets, wanted: list[Rule], options: argparse.Namespace
) -> int:
    plan = sets.plan(wanted, prune=options.prune)
    _print(plan, services, options)
    return OK


def _apply(
    services: Services, sets: RuleSets, wanted: list[Rule], options: argparse.Namespace
) -> int:
    plan = sets.plan(wanted, prune=options.prune)
    if options.plan is not None and options.plan != plan.digest:
        print(
            f"python -m local rules: plan {options.plan} is out of date: the file or the stored "
            f"rules have changed. The plan is now {plan.digest}; review it with `rules plan`",
            file=sys.stderr,
        )
        return FAILED
    if options.plan is None and not options.yes:
        _print(plan, services, options)
        if not _agreed():
            print("nothing was changed")
            return FAILED
    sets.apply(plan)
    print(f"applied: {rule_plans.summary(plan)}")
    return OK


def _export(_: Services, sets: RuleSets, __: list[Rule], options: argparse.Namespace) -> int:
    text = rule_files.write_rules(sets.stored())
    if options.out is None:
        print(text, end="")
        return OK
    try:
        options.out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--out {options.out}: {error.strerror or error}") from error
    return OK


def _try(services: Services, _: RuleSets, __: list[Rule], options: argparse.Namespace) -> int:
    """Show where a condition would have fired on a symbol, and the returns after it."""
    given = {"symbol": options.symbol, "interval": options.interval, "when": options.when}
    rule = parse_rule(given, "try")
    if rule.symbol == ANY_SYMBOL:
        raise UsageError("--symbol *: name one symbol; a condition is tried on its prices")
    now = services.clock()
    reach = to_text(now - timedelta(days=options.days)), to_text(now)
    deadline = time.monotonic() + PREVIEW_SECONDS
    found = services.preview.whole(rule, rule.symbol, *reach, deadline)
    tried = backtest_of(services.stores, rule, found, reach[0], TradingCosts())
    print("\n".join(rule_plans.followed(rule, found, tried)))
    return OK


def _print(plan: Plan, services: Services, options: argparse.Namespace) -> None:
    tried = _tried(services)
    if options.format == "markdown":
        lines = rule_plans.as_markdown(plan, tried, f"Rules of {options.stage or 'this machine'}")
    else:
        lines = rule_plans.described(plan, tried)
    print("\n".join(lines))


def _tried(services: Services) -> Callable[[Rule], Fires]:
    """Return a function that tries a rule on the last year, and remembers each rule's result."""
    tracked = [entry.symbol for entry in services.stores.symbols.listed("tracked")]

    @cache
    def tried(rule: Rule) -> Fires:
        deadline = time.monotonic() + PREVIEW_SECONDS
        preview = partial(services.preview.whole, deadline=deadline, is_in_force=True)
        return fires_of(preview, rule, tracked, services.clock())

    return tried


def _agreed() -> bool:
    try:
        return input("Apply these changes? Only yes is accepted: ").strip() == "yes"
    except EOFError:
        return False


def _days(text: str) -> int:
    if text.isdecimal() and len(text) <= len(str(MAX_DAYS)) and 0 < int(text) <= MAX_DAYS:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not allowed; allowed: 1 to {MAX_DAYS}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local rules",
        description="Compares a file of rules with the stored rules, tries changed rules on the "
        "last year, and applies all changes or none.",
    )
    commands = parser.add_subparsers(required=True, metavar="plan|apply|export|try")
    plan = commands.add_parser("plan", help="show the changes, and how often rules would fire")
    apply = commands.add_parser("apply", help="apply the changes")
    export = commands.add_parser("export", help="print the stored rules as a file")
    trial = commands.add_parser("try", help="show where a condition would have fired")
    trial.add_argument("when", help='such as "rsi(14) < 30 and close > sma(200, 1d)"')
    trial.add_argument("--symbol", required=True)
    trial.add_argument("--interval", default="1d", help="default 1d; tick for ticks")
    trial.add_argument("--days", type=_days, default=365, help="days back from now (default 365)")
    for command in (plan, apply):
        command.add_argument(
            "file", nargs="?", type=Path, default=Path(FILE), help=f"the rules (default {FILE})"
        )
        command.add_argument(
            "--prune", action="store_true", help="delete all rules that are not in the file"
        )
        command.add_argument("--format", choices=("text", "markdown"), default="text")
    given = apply.add_mutually_exclusive_group()
    given.add_argument("--plan", metavar="ID", help="apply only if this is still the plan")
    given.add_argument("--yes", action="store_true", help="do not ask")
    export.add_argument("--out", type=Path, metavar="FILE", help="write to FILE, not to stdout")
    for command, act in ((plan, _plan), (apply, _apply), (export, _export), (trial, _try)):
        command.set_defaults(act=act)
        target.add_target(command)
    return parser
