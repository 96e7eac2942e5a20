"""Values out of JSON documents: of the kind that was asked for, or a ValueError with the name."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from recorder.json_values import as_dict, as_list, number, parse_dict, text, whole

DOCUMENT = parse_dict(
    '{"say": "go", "share": 0.5, "count": 3, "on": true, "huge": 1e999, "none": null, "all": [1]}',
    "the document",
)


def test_values_of_the_right_kind_come_out_as_they_are() -> None:
    assert text(DOCUMENT, "say") == "go"
    assert number(DOCUMENT, "share") == 0.5
    assert number(DOCUMENT, "count") == 3.0
    assert whole(DOCUMENT, "count") == 3
    assert as_list(DOCUMENT["all"], "all") == [1]


def test_a_missing_number_is_what_was_said_otherwise() -> None:
    assert number(DOCUMENT, "missing", 2.5) == 2.5
    assert whole(DOCUMENT, "missing", 0) == 0


@pytest.mark.parametrize(
    ("read", "name"),
    [
        *((text, name) for name in ("share", "on", "none", "all", "missing")),
        *((number, name) for name in ("say", "on", "huge", "none", "all", "missing")),
        *((whole, name) for name in ("say", "share", "on", "none", "all", "missing")),
    ],
)
def test_another_kind_is_refused_by_name(read: Callable[..., object], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} is no "):
        read(DOCUMENT, name)


def test_what_is_there_does_not_become_what_was_said_otherwise() -> None:
    with pytest.raises(ValueError, match="none is no number"):
        number(DOCUMENT, "none", 1.0)


@pytest.mark.parametrize("content", ["[1, 2]", "3", "null", '"text"'])
def test_a_document_that_is_no_table_is_refused(content: str) -> None:
    with pytest.raises(ValueError, match="the answer is no table"):
        parse_dict(content, "the answer")
    with pytest.raises(ValueError, match="it is no table"):
        as_dict(json.loads(content), "it")
    with pytest.raises(ValueError, match="it is no list"):
        as_list({}, "it")
