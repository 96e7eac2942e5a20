from hypothesis import given
from hypothesis import strategies as st

from recorder.clock import ManualClock
from recorder.input.ledger import FORGET_NS, Ledger

KEYS = st.tuples(st.sampled_from("WASD"), st.booleans())


def test_what_was_sent_is_known_once() -> None:
    ledger = Ledger(ManualClock())
    ledger.expect_key("W", True)
    assert ledger.strike_key("W", True)
    assert not ledger.strike_key("W", True)
    assert not ledger.strike_key("W", False)


def test_what_is_never_heard_does_not_excuse_a_later_key() -> None:
    clock = ManualClock()
    ledger = Ledger(clock)
    ledger.expect_key("W", True)
    ledger.expect_move(3, 4)
    clock.advance_ns(FORGET_NS + 1)
    assert not ledger.strike_key("W", True)
    assert not ledger.strike_move(3, 4)


def test_moves_are_known_in_order_and_a_lost_one_is_skipped() -> None:
    ledger = Ledger(ManualClock())
    for move in ((1, 0), (2, 0), (3, 0)):
        ledger.expect_move(*move)
    assert ledger.strike_move(2, 0)
    assert not ledger.strike_move(1, 0)
    assert not ledger.strike_move(2, 5)
    assert ledger.strike_move(3, 0)


@given(st.lists(KEYS), st.lists(KEYS))
def test_the_persons_keys_are_what_is_left(
    sent: list[tuple[str, bool]], mine: list[tuple[str, bool]]
) -> None:
    ledger = Ledger(ManualClock())
    for name, down in sent:
        ledger.expect_key(name, down)
    heard = [*sent, *mine]
    taken = [key for key in heard if not ledger.strike_key(*key)]
    assert sorted(taken) == sorted(mine)
