"""The parsers of Coinbase, Binance and Alpaca, with frames of their documentation."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.sources.alpaca import AlpacaFeed, Keys, listing_of
from producer.sources.binance import BinanceFeed
from producer.sources.coinbase import URL, CoinbaseFeed
from producer.sources.pushed.messages import (
    Accepted,
    Alive,
    BadFrame,
    Message,
    MinuteVolume,
    Newest,
    Ready,
    Refused,
    TooMany,
    Trade,
    Unknown,
)

KEYS = Keys("PKID", "hidden")
ALPACA = AlpacaFeed(KEYS, "wss://stream.example")


def binance() -> BinanceFeed:
    """Return a feed that has subscribed to two pairs, by the request 1."""
    feed = BinanceFeed()
    feed.opening()
    (frame,) = feed.subscribe(["BTC-USDT", "BNB-BTC"])
    assert json.loads(frame) == {
        "method": "SUBSCRIBE",
        "params": ["btcusdt@aggTrade", "bnbbtc@aggTrade"],
        "id": 1,
    }
    return feed


def test_a_match_of_coinbase_is_a_trade_with_all_its_digits() -> None:
    frame = (
        '{"type":"match","trade_id":10,"sequence":50,"maker_order_id":"ac928c66","side":"sell",'
        '"taker_order_id":"132fb6ae","time":"2014-11-07T08:19:27.028459Z","product_id":"BTC-USD",'
        '"size":"5.23512","price":"90000000000.12345678"}'
    )
    assert CoinbaseFeed(URL).read(frame) == (
        Trade(
            symbol="BTC-USD",
            at="2014-11-07T08:19:27.028459Z",
            price=Decimal("90000000000.12345678"),
            size=Decimal("5.23512"),
            number=10,
        ),
    )


@pytest.mark.parametrize(
    ("frame", "messages"),
    [
        (
            (
                '{"type":"heartbeat","sequence":90,"last_trade_id":20,"product_id":"BTC-USD",'
                '"time":"2014-11-07T08:19:28.464459Z"}'
            ),
            (Newest("BTC-USD", 20),),
        ),
        ('{"type":"heartbeat","sequence":90,"last_trade_id":0}', (Alive(),)),
        (
            (
                '{"type":"subscriptions","channels":[{"name":"matches","product_ids":["A-USD","B-USD"],'
                '"account_ids":null},{"name":"heartbeat","product_ids":["A-USD"]}]}'
            ),
            (Accepted(frozenset({"A-USD"})),),
        ),
        (
            (
                '{"type":"error","message":"Failed to subscribe",'
                '"reason":"FOO-USD is not a valid product"}'
            ),
            (Unknown("FOO-USD", "Failed to subscribe: FOO-USD is not a valid product"),),
        ),
        ('{"type":"error","message":"slow down"}', (Refused("slow down"),)),
        ('{"type":"status","products":[]}', ()),
    ],
)
def test_other_messages_of_coinbase(frame: str, messages: Sequence[Message]) -> None:
    assert CoinbaseFeed(URL).read(frame) == messages


def test_an_aggregate_trade_of_binance_has_our_symbol() -> None:
    frame = (
        '{"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":12345,"p":"0.00100000","q":"100.00",'
        '"f":100,"l":105,"T":1672515782136,"m":true,"M":true}'
    )
    assert binance().read(frame) == (
        Trade(
            symbol="BNB-BTC",
            at="2022-12-31T19:43:02.136000Z",
            price=Decimal("0.001"),
            size=Decimal(100),
            number=12345,
        ),
    )


def test_binance_acknowledges_by_the_number_of_the_request() -> None:
    feed = binance()
    assert feed.read('{"result":null,"id":1}') == (Accepted(frozenset({"BTC-USDT", "BNB-BTC"})),)
    feed.unsubscribe(["BNB-BTC"])
    assert feed.read('{"result":null,"id":2}') == (Accepted(frozenset({"BTC-USDT"})),)
    feed.opening()
    assert feed.read('{"result":null,"id":1}') == (Accepted(frozenset()),)


@pytest.mark.parametrize(
    "frame",
    [
        '{"error":{"code":2,"msg":"Invalid request: unknown variant"}}',
        '{"code":2,"msg":"Invalid request: unknown variant","id":1}',
    ],
)
def test_binance_refuses_in_two_forms(frame: str) -> None:
    assert binance().read(frame) == (Refused("2: Invalid request: unknown variant"),)


def test_alpaca_sends_several_messages_in_a_frame() -> None:
    frame = (
        '[{"T":"t","i":96921,"S":"BRK.B","x":"D","p":126.55,"s":1,"c":["@","I"],"z":"C",'
        '"t":"2021-02-22T15:51:44.208123456Z"},'
        '{"T":"b","S":"SPY","o":388.985,"h":389.13,"l":388.975,"c":389.12,"v":49378,'
        '"t":"2021-02-22T19:15:00Z"},'
        '{"T":"q","S":"AMD","bp":87.66,"ap":87.68,"c":["R"],"t":"2021-02-22T15:51:45.335689322Z"}]'
    )
    assert ALPACA.read(frame) == [
        Trade(
            symbol="BRK-B",
            at="2021-02-22T15:51:44.208123Z",
            price=Decimal("126.55"),
            size=Decimal(1),
            key="D96921 2021-02-22T15:51:44.208123456Z",
            sets_price=False,  # an odd lot
        ),
        MinuteVolume("SPY", "2021-02-22T19:15:00.000000Z", Decimal(49378)),
    ]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ('[{"T":"success","msg":"connected"}]', Alive()),
        ('[{"T":"success","msg":"authenticated"}]', Ready()),
        (
            '[{"T":"subscription","trades":["AAPL","BRK.B"],"quotes":[],"bars":["*"]}]',
            Accepted(frozenset({"AAPL", "BRK-B"})),
        ),
        (
            '[{"T":"error","code":405,"msg":"symbol limit exceeded"}]',
            TooMany(30, "405: symbol limit exceeded"),
        ),
        (
            '[{"T":"error","code":406,"msg":"connection limit exceeded"}]',
            Refused("406: connection limit exceeded"),
        ),
        (
            '[{"T":"error","code":402,"msg":"auth failed"}]',
            Refused(
                "402: auth failed (see APCA_API_KEY_ID and APCA_API_SECRET_KEY)", of_keys=True
            ),
        ),
    ],
)  # fmt: skip
def test_alpaca_greets_acknowledges_and_refuses(frame: str, message: Message) -> None:
    assert ALPACA.read(frame) == [message]


def test_the_prices_of_alpaca_never_pass_a_float() -> None:
    frame = '[{"T":"t","i":1,"S":"AAPL","p":1234567890.12345678,"s":1,"t":"2021-02-22T15:51:44Z"}]'
    (trade,) = ALPACA.read(frame)
    assert isinstance(trade, Trade)
    assert trade.price == Decimal("1234567890.12345678")


def test_keys_are_not_in_texts() -> None:
    assert "hidden" not in repr(KEYS)
    assert "hidden" not in f"{KEYS} {vars(ALPACA)}"


@pytest.mark.parametrize("symbol", ["BTC-USD", "7203.T", "EURUSD=X", "^GSPC", "ES=F"])
def test_alpaca_has_us_stocks_only(symbol: str) -> None:
    assert listing_of(symbol) is None


READERS: list[Callable[[Any], Sequence[Message]]] = [
    CoinbaseFeed(URL).read,
    binance().read,
    ALPACA.read,
]
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_NAMES = st.sampled_from([*"TSpstcviexaqEfml", "type", "price", "time", "channels", "error", "id"])
_JSON = st.recursive(
    _SCALARS | st.sampled_from(["match", "heartbeat", "aggTrade", "t", "b", "error", "NaN"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=8),
    max_leaves=12,
)


@pytest.mark.parametrize("read", READERS)
def test_a_deep_frame_is_a_bad_one(read: Callable[[Any], Sequence[Message]]) -> None:
    with pytest.raises(BadFrame):
        read('{"type":' + "[" * 100_000)


@pytest.mark.parametrize("read", READERS)
@given(frame=st.binary(max_size=60) | st.text(max_size=60) | _JSON.map(json.dumps))
def test_no_frame_raises_anything_but_bad_frame(
    read: Callable[[Any], Sequence[Message]], frame: Any
) -> None:
    try:
        read(frame)
    except BadFrame:
        return
