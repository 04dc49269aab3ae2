"""The allowed statements and functions: Athena documents them, and they give the same result here.

A statement with anything else fails with an error that names it, since its rows might differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from sqlglot import exp
from sqlglot.tokens import Token, TokenType

from embedded_aws.athena.engine.failures import QueryError, unsupported

TEXT_FIRST = (
    exp.Lower,
    exp.Upper,
    exp.Length,
    exp.Substring,
    exp.Trim,
    exp.Replace,
    exp.SplitPart,
    exp.StrPosition,
    exp.StartsWith,
    exp.RegexpLike,
    exp.RegexpExtract,
    exp.RegexpReplace,
    exp.Split,
    exp.Reverse,
    exp.StrToTime,
    exp.FromISO8601Timestamp,
    exp.Pad,
)
"""Functions whose first argument must be a varchar: Trino does not convert numbers to texts."""

OF_TIME = (
    exp.Day,
    exp.DayOfMonth,
    exp.DayOfWeekIso,
    exp.DayOfYear,
    exp.Hour,
    exp.Minute,
    exp.Month,
    exp.Quarter,
    exp.Second,
    exp.TimeToStr,
    exp.TimeToUnix,
    exp.Year,
)
"""Functions that extract a part of a date or time."""

FUNCTIONS: tuple[type[exp.Expression], ...] = (
    *TEXT_FIRST,
    # aggregates
    exp.AnyValue,
    exp.ApproxDistinct,
    exp.ApproxQuantile,
    exp.ArgMax,
    exp.ArgMin,
    exp.ArrayAgg,
    exp.Avg,
    exp.Corr,
    exp.Count,
    exp.CountIf,
    exp.CovarPop,
    exp.CovarSamp,
    exp.LogicalAnd,
    exp.LogicalOr,
    exp.Max,
    exp.Min,
    exp.Stddev,
    exp.StddevPop,
    exp.StddevSamp,
    exp.Sum,
    exp.Variance,
    exp.VariancePop,
    # windows
    exp.CumeDist,
    exp.DenseRank,
    exp.FirstValue,
    exp.Lag,
    exp.LastValue,
    exp.Lead,
    exp.NthValue,
    exp.Ntile,
    exp.PercentRank,
    exp.Rank,
    exp.RowNumber,
    # conditions and conversions
    exp.And,
    exp.Case,
    exp.Cast,
    exp.Coalesce,
    exp.Exists,
    exp.Greatest,
    exp.If,
    exp.Least,
    exp.Nullif,
    exp.Or,
    exp.Try,
    exp.TryCast,
    # numbers
    exp.Abs,
    exp.Ceil,
    exp.Exp,
    exp.Floor,
    exp.IsNan,
    exp.Ln,
    exp.Log,
    exp.Pow,
    exp.Round,
    exp.Sign,
    exp.Sqrt,
    # texts
    exp.Concat,
    # dates
    *OF_TIME,
    exp.CurrentDate,
    exp.CurrentTimestamp,
    exp.Date,
    exp.DateAdd,
    exp.DateDiff,
    exp.DateTrunc,
    exp.Extract,
    exp.TimestampTrunc,
    exp.UnixToTime,
    # arrays
    exp.Array,
    exp.ArraySize,
    exp.GenerateSeries,
    exp.Unnest,
)

_OTHERS: tuple[type[exp.Expression], ...] = (
    exp.Add,
    exp.Alias,
    exp.AtTimeZone,
    exp.Between,
    exp.Boolean,
    exp.Bracket,
    exp.Column,
    exp.CTE,
    exp.Cube,
    exp.DataType,
    exp.DataTypeParam,
    exp.Distinct,
    exp.Div,
    exp.DPipe,
    exp.EQ,
    exp.Escape,
    exp.Except,
    exp.Fetch,
    exp.Filter,
    exp.From,
    exp.Group,
    exp.GroupingSets,
    exp.GT,
    exp.GTE,
    exp.Having,
    exp.Identifier,
    exp.IgnoreNulls,
    exp.In,
    exp.Intersect,
    exp.Interval,
    exp.Is,
    exp.Join,
    exp.Like,
    exp.Limit,
    exp.Literal,
    exp.LT,
    exp.LTE,
    exp.Mod,
    exp.Mul,
    exp.Neg,
    exp.NEQ,
    exp.Not,
    exp.Null,
    exp.Offset,
    exp.Order,
    exp.Ordered,
    exp.Paren,
    exp.RespectNulls,
    exp.Rollup,
    exp.Select,
    exp.Star,
    exp.Sub,
    exp.Subquery,
    exp.Table,
    exp.TableAlias,
    exp.Tuple,
    exp.Union,
    exp.Values,
    exp.Var,
    exp.Where,
    exp.Window,
    exp.WindowSpec,
    exp.With,
)

_KNOWN = {*FUNCTIONS, *_OTHERS}

NAMES = frozenset(
    """
    any_value approx_distinct approx_percentile arbitrary array_agg avg bool_and bool_or corr count
    count_if covar_pop covar_samp every max max_by min min_by stddev stddev_pop stddev_samp sum
    var_pop var_samp variance

    cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank
    row_number

    abs ceil ceiling exp floor is_nan ln log log10 log2 mod pow power round sign sqrt

    char_length concat length lower lpad ltrim position regexp_extract regexp_like regexp_replace
    replace reverse rpad rtrim split split_part starts_with strpos substr substring trim upper

    at_timezone current_date current_timestamp date date_add date_diff date_format date_parse
    date_trunc day day_of_month day_of_week day_of_year dow doy extract from_iso8601_timestamp
    from_unixtime hour minute month now quarter second timestamp to_unixtime year

    array cardinality element_at sequence unnest

    cast char coalesce decimal exists greatest if least nullif try try_cast varchar
    """.split()  # noqa: SIM905  # as one reads them
)
"""Names allowed before a parenthesis: Athena's names of the functions above. sqlglot also accepts
names from other databases, which Athena does not know."""

_MODIFIERS = (
    *("qualify", "pivots", "sample", "laterals", "distribute", "sort", "cluster", "windows"),
    *("hint", "into", "locks", "match", "prewhere", "settings", "connect"),
)


def require_names(tokens: Sequence[Token], tree: exp.Expression) -> None:
    """Raise QueryError for a function name that sqlglot accepts and Athena does not."""
    aliases = {one.name.lower() for one in tree.find_all(exp.TableAlias)}
    for token, following in pairwise(tokens):
        if token.token_type == TokenType.DCOLON:
            raise QueryError("SYNTAX_ERROR", "mismatched input '::'; use CAST")
        is_call = following.token_type == TokenType.L_PAREN
        plain = token.token_type == TokenType.VAR or token.text.lower() in _CALLED_KEYWORDS
        if is_call and plain and token.text.lower() not in NAMES | aliases:
            name = token.text.lower()
            raise QueryError(
                "FUNCTION_NOT_FOUND",
                f"line {token.line}: Function '{name}' not registered in Athena, or not supported "
                "by this emulation of it",
            )
    _require_order(tokens)


_CALLED_KEYWORDS = frozenset({"left", "right", "ifnull", "isnull", "glob"})


def _require_order(tokens: Sequence[Token]) -> None:
    """Raise QueryError if LIMIT comes before OFFSET, as Trino does."""
    depth, limits = 0, set()
    for token in tokens:
        if token.token_type == TokenType.L_PAREN:
            depth += 1
        elif token.token_type == TokenType.R_PAREN:
            limits.discard(depth)
            depth -= 1
        elif token.token_type == TokenType.LIMIT:
            limits.add(depth)
        elif token.token_type == TokenType.OFFSET and depth in limits:
            raise QueryError(
                "SYNTAX_ERROR",
                f"line {token.line}: mismatched input 'OFFSET': OFFSET precedes LIMIT",
            )


def require_known(tree: exp.Expression) -> None:
    """Raise QueryError for the first part of the statement that is not allowed."""
    for node in tree.walk():
        if type(node) not in _KNOWN:
            raise unsupported(_written(node))
        for modifier in _MODIFIERS:
            if node.args.get(modifier):
                raise unsupported(modifier.upper())
        if isinstance(node, (exp.ArgMax, exp.ArgMin, exp.Max, exp.Min)) and (
            node.args.get("count") or node.expressions
        ):
            raise unsupported(f"{node.sql_name().lower()} of several")


def _written(node: exp.Expression) -> str:
    if isinstance(node, exp.Func):
        return f"the function {node.sql_name().lower()}"
    return f"{node.key.upper()} ({node.sql('athena')[:60]})"
