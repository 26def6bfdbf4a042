"""Whether a request is whole: what is read at the door before anything parses it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haptik_actions._request_gate import MOST_HELD, HeldRequest

HEAD = b"POST /nlg HTTP/1.1\r\nHost: a\r\n"
READY = {
    "no body": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a length of none": HEAD + b"Content-Length: 0\r\n\r\n",
    "a body": HEAD + b"content-LENGTH:5 \r\n\r\n12345",
    "another request behind it": HEAD + b"Content-Length: 5\r\n\r\n12345GET",
    "a length of nonsense, which the server answers": HEAD + b"Content-Length: five\r\n\r\n",
    "the last chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "a line behind the last chunk": HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\nChecked: yes\r\n\r\n",
    "who asks first": HEAD + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    "longer headers than are held": HEAD + b"X: " + b"a" * MOST_HELD,
    "a longer body than is held": HEAD + b"Content-Length: 1000000\r\n\r\n" + b"a" * MOST_HELD,
}
NOT_YET = {
    "nothing": b"",
    "a line": b"POST / HTTP/1.1\r\n",
    "headers that do not end": HEAD + b"Content-Length: 5\r\n",
    "half of what ends them": HEAD + b"Content-Length: 0\r\n\r",
    "no body": HEAD + b"Content-Length: 5\r\n\r\n",
    "a part of a body": HEAD + b"Content-Length: 5\r\n\r\n1234",
    "no chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
    "a part of the chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
}


def held(*pieces: bytes) -> HeldRequest:
    request = HeldRequest()
    for piece in pieces:
        request.add(piece)
    return request


@pytest.mark.parametrize("sent", READY.values(), ids=READY)
def test_what_is_whole_is_handed_on(sent: bytes) -> None:
    assert held(sent).is_ready
    assert bytes(held(sent).data) == sent


@pytest.mark.parametrize("sent", NOT_YET.values(), ids=NOT_YET)
def test_what_is_not_waits(sent: bytes) -> None:
    assert not held(sent).is_ready


@given(st.sampled_from([*READY.values(), *NOT_YET.values()]), st.lists(st.integers(0, 200), max_size=12))
def test_it_does_not_matter_in_which_pieces_it_comes(sent: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)]
    request = held(*(sent[start:end] for start, end in pairwise(places)))
    assert (bytes(request.data), request.is_ready) == (sent, held(sent).is_ready)


@given(st.binary(max_size=300), st.integers(0, 300))
def test_nothing_that_comes_is_an_error(sent: bytes, cut: int) -> None:
    request = held(sent[:cut], sent[cut:])
    assert (bytes(request.data), request.is_ready) == (sent, held(sent).is_ready)
