from hypothesis import given
from hypothesis import strategies as st

from recorder.clock import ManualClock
from recorder.input.keys import CODES
from recorder.input.sent_inputs import FORGET_MOVE_NS, FORGET_NS, Ledger

W = CODES["W"]
KEYS = st.tuples(st.sampled_from([CODES[name] for name in "WASD"]), st.booleans())


def test_what_was_sent_is_known_once() -> None:
    ledger = Ledger(ManualClock())
    ledger.expect_key(W, True)
    assert ledger.strike_key(W, True, 0)
    assert not ledger.strike_key(W, True, 0)
    assert not ledger.strike_key(W, False, 0)


def test_what_is_never_heard_does_not_excuse_a_later_key() -> None:
    ledger = Ledger(ManualClock())
    ledger.expect_key(W, True)
    ledger.expect_move(3, 4)
    assert not ledger.strike_key(W, True, FORGET_NS + 1)
    assert not ledger.strike_move(3, 4, FORGET_MOVE_NS + 1)


def test_what_is_heard_late_is_still_the_agents() -> None:
    # On a machine so busy that the listener has no turn for seconds.
    clock = ManualClock()
    ledger = Ledger(clock)
    ledger.expect_key(W, True)
    ledger.expect_move(3, 4)
    clock.advance_ns(10 * FORGET_MOVE_NS)
    assert ledger.strike_key(W, True, FORGET_NS)
    assert ledger.strike_move(3, 4, FORGET_MOVE_NS)


def test_moves_are_known_in_order_and_a_lost_one_is_skipped() -> None:
    ledger = Ledger(ManualClock())
    for move in ((1, 0), (2, 0), (3, 0)):
        ledger.expect_move(*move)
    assert ledger.strike_move(2, 0, 0)
    assert not ledger.strike_move(1, 0, 0)
    assert not ledger.strike_move(2, 5, 0)
    assert ledger.strike_move(3, 0, 0)


@given(st.lists(KEYS), st.lists(KEYS))
def test_the_persons_keys_are_what_is_left(
    sent: list[tuple[int, bool]], mine: list[tuple[int, bool]]
) -> None:
    ledger = Ledger(ManualClock())
    for name, down in sent:
        ledger.expect_key(name, down)
    heard = [*sent, *mine]
    taken = [key for key in heard if not ledger.strike_key(*key, 0)]
    assert sorted(taken) == sorted(mine)
