"""Parses the text form: `rsi(14) < 30 and close > sma(200, 1d) for 3 bars`.

Operators from weak to strong: or, and, not, `for` and `within`, comparisons, + and -, * and /. Each
token is read once, and parentheses nest at most MAX_DEPTH deep.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache

from chalicelib.domain.when.building import (
    Part,
    Place,
    Size,
    checked_bars,
    checked_leaf,
    checked_name,
    checked_number,
)
from chalicelib.domain.when.catalogue import CATALOGUE, FIELDS, INTERVALS
from chalicelib.domain.when.lexing import END, Token, tokens_of
from chalicelib.domain.when.nodes import (
    EDGES,
    LASTING,
    MAX_DEPTH,
    Arithmetic,
    Comparison,
    Condition,
    Edge,
    Group,
    Lasting,
    Leaf,
    Not,
)

_COMPARED = {
    ">": "above", "<": "below", ">=": "at_least", "<=": "at_most",
    "above": "above", "below": "below", "crosses_above": "crosses_above",
    "crosses_below": "crosses_below",
}  # fmt: skip
_SUMS = {"+": "plus", "-": "minus"}
_PRODUCTS = {"*": "times", "/": "over"}
_SIGNS = "> < >= <=, above, below, crosses above, crosses below, enters or leaves"
_JOINS = "and, or, for 3 bars, within 3 bars, or the end"


def read_text(text: str) -> Condition:
    """Return the tree of a text. Raises WhenError at the column of the mistake."""
    reader = _Reader(tokens_of(text))
    part = reader.condition(reader.any())
    reader.finish()
    node: Condition = part.node  # type: ignore[assignment]  # checked by condition()
    return node


@lru_cache(maxsize=1024)
def tree_of(text: str) -> Condition:
    """Return the tree of a text, from a cache if it has been read before. Raises WhenError."""
    return read_text(text)


class _Reader:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._open = 0
        self._size = Size()

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    @property
    def _place(self) -> Place:
        return Place(self._token.column)

    def _word(self) -> str:
        """Return the current token in lower case; a quoted symbol is returned unchanged."""
        return "" if self._token.kind == "quoted" else self._token.text.lower()

    def _next(self) -> Token:
        token = self._token
        self._at += token.kind != END
        return token

    def _wanted(self, allowed: str) -> Exception:
        shown = self._token.text or "the end"
        return self._place.error(shown, allowed)

    def _take(self, *words: str) -> bool:
        taken = self._word() in words and self._token.kind != END
        self._at += taken
        return taken

    def _expect(self, sign: str, allowed: str = "") -> None:
        if not self._take(sign):
            raise self._wanted(allowed or sign)

    def finish(self) -> None:
        """Raise WhenError unless the text ends here."""
        if self._token.kind != END:
            raise self._wanted(_JOINS)

    def condition(self, part: Part) -> Part:
        """Return a part if it is a condition. Raises WhenError if it is a value."""
        if isinstance(part.node, Condition):
            return part
        raise self._wanted(f"a comparison: {_SIGNS}")

    def _value(self, part: Part, place: Place) -> Part:
        if isinstance(part.node, Condition):
            raise place.error("a condition", "a value here: a name or a number")
        return part

    def _operand(self, read: Callable[[], Part]) -> Part:
        place = self._place
        return self._value(read(), place)

    def any(self) -> Part:
        """Return the part of conditions that are joined by `or`."""
        return self._joined("any", "or", self._all)

    def _all(self) -> Part:
        return self._joined("all", "and", self._not)

    def _joined(self, op: str, word: str, read: Callable[[], Part]) -> Part:
        place = self._place
        parts = [read()]
        while self._word() == word:
            self.condition(parts[-1])
            self._next()
            parts.append(self.condition(read()))
        if len(parts) == 1:
            return parts[0]
        nodes = tuple(part.node for part in parts)
        return self._size.part(Group(op, nodes), parts, place)  # type: ignore[arg-type]

    def _not(self) -> Part:
        place = self._place
        if not self._take("not"):
            return self._lasting()
        self._nest(place)
        part = self.condition(self._not())
        self._open -= 1
        return self._size.part(Not(part.node), [part], place)  # type: ignore[arg-type]

    def _lasting(self) -> Part:
        place = self._place
        part = self._compared()
        while self._word() in LASTING:
            self.condition(part)
            op = self._next().text.lower()
            bars = self._bars("a whole number of bars")
            if not self._take("bars", "bar"):
                raise self._wanted("bars")
            node = Lasting(op, bars, part.node)  # type: ignore[arg-type]
            part = self._size.part(node, [part], place)
        return part

    def _bars(self, allowed: str) -> int:
        place = self._place
        if self._token.kind != "number" or "." in self._token.text:
            raise self._wanted(allowed)
        return checked_bars(int(self._next().text), place)

    def _compared(self) -> Part:
        place = self._place
        left = self._sum()
        word = self._word()
        if word in EDGES:
            return self._edge(left, place)
        op = _COMPARED.get(word)
        if word == "crosses":
            self._next()
            if self._word() not in ("above", "below"):
                raise self._wanted("above or below")
            op = f"crosses_{self._word()}"
        if op is None:
            return left
        self._value(left, place)
        self._next()
        right = self._operand(self._sum)
        node = Comparison(op, left.node, right.node)  # type: ignore[arg-type]
        return self._size.part(node, [left, right], place)

    def _edge(self, value: Part, place: Place) -> Part:
        self._value(value, place)
        op = self._next().text.lower()
        low = self._operand(self._sum)
        self._expect("to", "to, between the two ends of the range: enters 30 to 70")
        high = self._operand(self._sum)
        node = Edge(op, value.node, low.node, high.node)  # type: ignore[arg-type]
        return self._size.part(node, [value, low, high], place)

    def _sum(self) -> Part:
        return self._computed(_SUMS, self._product)

    def _product(self) -> Part:
        return self._computed(_PRODUCTS, self._one)

    def _computed(self, ops: dict[str, str], read: Callable[[], Part]) -> Part:
        place = self._place
        part = read()
        while self._word() in ops:
            self._value(part, place)
            op = ops[self._next().text]
            right = self._operand(read)
            node = Arithmetic(op, part.node, right.node)  # type: ignore[arg-type]
            part = self._size.part(node, [part, right], place)
        return part

    def _one(self) -> Part:
        place = self._place
        if self._take("("):
            self._nest(place)
            part = self.any()
            self._expect(")")
            self._open -= 1
            return part
        sign = -1 if self._take("-") else 1
        if self._token.kind == "number":
            number = checked_number(sign * Decimal(self._next().text), place)
            return self._size.part(number, [], place)
        if sign < 0:
            raise self._wanted("a number after the minus sign; for others 0 - close")
        if self._token.kind != "word":
            raise self._wanted(f"a number, a parenthesis or one of {', '.join(CATALOGUE)}")
        return self._leaf()

    def _nest(self, place: Place) -> None:
        self._open += 1
        if self._open > MAX_DEPTH:
            raise place.error("it", f"at most {MAX_DEPTH} levels")

    def _leaf(self) -> Part:
        place = self._place
        name = checked_name(self._next().text, place)
        of, interval, symbol = "", "", ""
        numbers: list[Decimal] = []
        if self._take("("):
            while not self._take(")"):
                token, at = self._token, self._place
                may_choose = not (of or numbers or interval or symbol)
                kind = self._argument_kind(token, name, may_choose)
                if kind == "number" and not (interval or symbol):
                    numbers.append(Decimal(token.text))
                elif kind == "of" and may_choose:
                    of = token.text.lower()
                elif kind == "interval" and not interval:
                    interval = token.text.lower()
                elif kind == "symbol" and not symbol:
                    symbol = token.text.strip('"')
                else:
                    raise at.error(token.text or "the end", _arguments(name))
                self._next()
                if self._word() != ")":
                    self._expect(",", "a comma or )")
        leaf = Leaf(name, of, tuple(numbers), interval, symbol, self._ago())
        return self._size.part(checked_leaf(leaf, place), [], place)

    def _argument_kind(self, token: Token, name: str, may_choose: bool) -> str:
        """Return the kind of an argument: `interval`, `of`, `symbol`, `number`, or empty for none
        of them. A symbol may be spelt like a price, such as OPEN. Where no price may be chosen,
        OPEN is a symbol."""
        if token.kind == "word" and token.text.lower() in INTERVALS:
            return "interval"
        is_price = token.kind == "word" and token.text.lower() in FIELDS and CATALOGUE[name].of
        if is_price and (may_choose or not token.text.isupper()):
            return "of"
        if token.kind == "quoted" or (token.kind == "word" and token.text.isupper()):
            return "symbol"
        return "number" if token.kind == "number" else ""

    def _ago(self) -> int:
        if not self._take("["):
            return 0
        bars = self._bars("a whole number of bars ago: close[1]")
        self._expect("]")
        return bars


def _arguments(name: str) -> str:
    """Return in words which arguments a value's name allows in parentheses."""
    entry = CATALOGUE[name]
    found = [f"one of {', '.join(FIELDS)}"] if entry.of else []
    found += [f"{one.name} ({one.allowed})" for one in entry.numbers]
    return ", then ".join([*found, f"an interval ({', '.join(INTERVALS)})", "a symbol such as SPY"])
