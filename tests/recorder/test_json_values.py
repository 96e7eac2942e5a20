"""Values out of JSON documents: of the kind that was asked for, or a ValueError with the name."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest

from recorder.json_values import (
    as_dict,
    as_list,
    number,
    parse,
    parse_dict,
    parse_toml,
    text,
    whole,
)

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


LONG = "1" * 400


@pytest.mark.parametrize("digits", [LONG, f"-{LONG}", "9" * 5000, str(2**63), "1" * 25])
def test_a_number_that_no_computer_counts_with_is_refused_by_name(digits: str) -> None:
    document = parse_dict(f'{{"count": {digits}}}', "it")
    with pytest.raises(ValueError, match=r"^count is no whole number$"):
        whole(document, "count")
    if len(digits) > 400:
        with pytest.raises(ValueError, match=r"^count is no number$"):
            number(document, "count")
    # What a program of ours hands over is checked as well.
    with pytest.raises(ValueError, match=r"^count is no number$"):
        number({"count": 10**400}, "count")


def test_whole_numbers_of_64_bits_are_whole() -> None:
    for value in (0, -7, 2**63 - 1, -(2**63), 10**18):
        assert parse(str(value)) == value
        assert isinstance(parse(str(value)), int)
        assert parse_toml(f"n = {value}") == {"n": value}
    # As in a released tokenizer's configuration.
    assert parse("1000000000000000019884624838656") == 1e30


def test_toml_is_bounded_as_json_is() -> None:
    document = parse_toml(f"n = [{LONG}, -{LONG}, 3]\n[t]\nx = {2**63}\nyes = true")
    assert document == {"n": [math.inf, -math.inf, 3], "t": {"x": 2.0**63, "yes": True}}
    with pytest.raises(ValueError, match=r"."):
        parse_toml("n = " + "9" * 5000)


@pytest.mark.parametrize("read", [parse, parse_toml])
def test_what_is_nested_without_end_is_refused(read: Callable[[str], object]) -> None:
    deep = "[" * 100_000
    with pytest.raises(ValueError, match="nested too deeply"):
        read(deep if read is parse else f"n = {deep}")
