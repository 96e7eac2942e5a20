from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.errors import UsageError
from recorder.store.query import (
    EVERY_EPISODE,
    SINCE_LAST_ROUND,
    EpisodeQuery,
    of_game,
    parse_query,
)
from recorder.store.rows import EpisodeKind, Split
from recorder.types import Outcome


def test_every_term_is_read() -> None:
    assert parse_query(
        'id:7 id:3-9 game:doom task:go_to:* text:"red torch" kind:demonstration outcome:success '
        "policy:base adapter:4 adapter:none split:gate corrected:yes since:last-round"
    ) == EpisodeQuery(
        ids=((7, 7), (3, 9)),
        games=("doom",),
        tasks=("go_to:*",),
        texts=("red torch",),
        kinds=(EpisodeKind.DEMONSTRATION,),
        outcomes=(Outcome.SUCCESS,),
        policies=("base",),
        adapters=(4, None),
        splits=(Split.GATE,),
        corrected=True,
        since_round=SINCE_LAST_ROUND,
    )
    assert parse_query("since:round-3").since_round == 3
    assert parse_query("  ") == EVERY_EPISODE


@pytest.mark.parametrize(
    "bad",
    [
        "torch",
        "id:",
        "id:x",
        "id:9-3",
        "id:-3",
        "id:1-2-3",
        "kind:lesson",
        "outcome:won",
        "split:test",
        "corrected:maybe",
        "since:yesterday",
        "since:round-0",
        "adapter:first",
        "colour:red",
        'text:"red',
        "id:" + "9" * 40,
    ],
)
def test_bad_terms_are_refused_by_a_sentence_that_names_them(bad: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_query(bad)
    assert bad.split('"', maxsplit=1)[0] in caught.value.sentence
    assert "nothing was chosen" in caught.value.sentence


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_query(text)
    except UsageError as error:
        sentence = error.sentence
    else:
        return
    assert sentence.endswith(".")


def test_a_query_is_of_one_game_unless_it_names_games() -> None:
    assert of_game("", "doom") == "game:doom"
    assert parse_query(of_game("since:last-round", "my game")) == EpisodeQuery(
        games=("my game",), since_round=SINCE_LAST_ROUND
    )
    for named in ("game:luanti", "game:* id:3"):
        assert of_game(named, "doom") == named
    with pytest.raises(UsageError):
        of_game("torch", "doom")
