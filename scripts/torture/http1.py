# SPDX-License-Identifier: Apache-2.0
"""Strict HTTP/1.1: every case of http1_cases.py, and the cases that need several exchanges."""

import time

import http1_cases as cases
import http1_requests as requests
from counts import Counts
from http1_client import Client

NEXT = requests.NEXT


def check(data, expectations):
    """Sends the bytes and compares the responses with the expectations, one of which must match."""
    if isinstance(expectations, str):
        expectations = (expectations,)
    words = expectations[0].split()
    method = "HEAD" if words[0] == "HEAD" else "GET"
    wanted = [expectation.replace("HEAD ", "").split() for expectation in expectations]
    with Client() as client:
        client.send(data)
        if wanted == [["wait"]]:
            assert not client.is_closed(0.3) and not client.buffer, f"answered {client.buffer[:100]!r}"
            return
        got = []
        response = None
        while not any(fits(words, got) for words in wanted):
            response = client.response(method)
            if response is None:
                break
            got.append(response.status)
            if response.get("connection") == "close" or len(got) >= max(len(words) for words in wanted) - 1:
                break
        endings = [words[-1] for words in wanted if fits(words, got)]
        assert endings, f"got {got}, expected {expectations}"
        ending = endings[0]
        if ending == "closed":
            assert response.get("connection") == "close", "a response without Connection: close, and the connection ends"
            assert client.is_closed(), "the connection stays open or has more responses"
        elif ending == "open":
            assert response.get("connection") in (None, "keep-alive"), response.get("connection")
            assert client.is_open(), "the connection is not usable"


def fits(words, statuses):
    """Whether the statuses match an expectation, whose last word is the state of the connection."""
    return len(words) == len(statuses) + 1 and all(
        word == str(status) or (word == "4xx" and 400 <= status < 500) for word, status in zip(words, statuses)
    )


def every_split(data, expectation):
    """The same bytes one by one."""
    with Client() as client:
        for byte in data:
            client.send(bytes([byte]))
        response = client.response()
        assert str(response.status) == expectation, response.status


def half_close(data, expectation):
    with Client() as client:
        client.send(data)
        client.half_close()
        response = client.response()
        assert (None if response is None else response.status) == expectation, response and response.status
        assert client.is_closed()


def a_half_closed_client_gets_all_its_responses():
    with Client(timeout=10) as client:
        client.send(cases.post(b"Content-Length: 3\r\n") * 20 + NEXT + NEXT[:-2])
        client.half_close()
        statuses = [client.response().status for _ in range(21)]
        assert statuses == [415] * 20 + [200], statuses
        assert client.is_closed()


def continue_then_body():
    with Client() as client:
        client.send(requests.POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert client.response().status == 100
        client.send(b"abc")
        assert client.response().status == 415
        assert client.is_open()


def big_refused_body_is_drained(fields, length):
    """A refusal of a body that is being sent must reach the client: no reset before the response."""
    with Client(timeout=10) as client:
        client.send(requests.POST + fields + b"\r\n")
        for _ in range(length // 65536):
            client.send(b"0" * 65536)
        response = client.response()
        assert response.status == 413, response.status


def a_client_that_reads_late_sees_the_refusal():
    """Sends the whole body first, as most libraries do; their users would see only an error while sending."""
    with Client(timeout=10) as client:
        client.socket.sendall(cases.POST + b"Content-Length: 75000000\r\n\r\n")
        client.socket.sendall(bytes(75_000_000))
        response = client.response()
        assert response.status == 413, response.status
        assert client.is_closed()


def body_over_the_limit_in_chunks():
    with Client(timeout=20) as client:
        client.send(requests.CHUNKED)
        chunk = b"100000\r\n" + b"\0" * 0x100000 + b"\r\n"
        for _ in range(66):
            client.send(chunk)
        response = client.response()
        assert response.status == 413, response.status
        assert response.get("connection") == "close"


def response_of(data, method="GET"):
    with Client() as client:
        client.send(data)
        return client.response(method)


def allow_names_the_methods():
    assert response_of(requests.target(b"/encode")).get("allow") == "POST, OPTIONS"
    assert "GET" in response_of(requests.target(b"/info", b"POST")).get("allow")


def head_has_the_fields_of_get():
    get = response_of(requests.target(b"/openapi.yaml"))
    head = response_of(requests.target(b"/openapi.yaml", b"HEAD"), "HEAD")
    for name in ("content-type", "content-length"):
        assert get.get(name) == head.get(name), name


def request_id_is_sanitised():
    assert response_of(requests.get(b"Request-Id: abc-1.2:3_4\r\n")).get("request-id") == "abc-1.2:3_4"
    for value in (b"a b", b'a"b', b"<x>", b"\xff", b"x" * 129, b"a\tb", b"a;b", b"%0d%0a"):
        response = response_of(requests.get(b"Request-Id: " + value + b"\r\n"))
        assert response.get("request-id").encode() != value, value


def nothing_splits_a_response():
    for target in (b"/problems/a%0d%0aX-Split:%20y", b"/a%0d%0aX-Split:%20y", b"/labels?format=%0d%0aX-Split:%20y"):
        response = response_of(requests.target(target))
        assert response.get("x-split") is None and b"\r\nX-Split" not in response.body, response.fields


def no_cors_unless_configured():
    response = response_of(requests.get(b"Origin: https://evil.example\r\n"))
    assert not [name for name, _ in response.fields if name.startswith("access-control")]
    preflight = requests.target(
        b"/encode",
        b"OPTIONS",
        requests.H + b"Origin: https://evil.example\r\n" b"Access-Control-Request-Method: POST\r\n",
    )
    assert not [name for name, _ in response_of(preflight).fields if name.startswith("access-control")]


def unknown_paths_make_no_metrics():
    for index in range(20):
        response_of(requests.target(b"/unknown-%d" % index))
    page = response_of(requests.target(b"/metrics"))
    assert b"unknown-" not in page.body


def an_abort_leaves_the_server_whole():
    for data in (b"G", requests.POST + b"Content-Length: 9\r\n\r\nab", requests.CHUNKED + b"5\r\na", NEXT[:-1]):
        Client().socket.close()
        with Client() as client:
            client.send(data)
    with Client() as client:
        assert client.is_open()


def responses_wait_for_a_client_that_pipelines_and_does_not_read():
    """The server does not buffer thousands of responses in memory while the client reads none."""
    with Client(receive_buffer=4096) as client:
        client.socket.settimeout(0.5)
        request = requests.target(b"/openapi.yaml")
        sent = 0
        try:
            while sent < 64 << 20:
                sent += client.socket.send(request * 100)
        except TimeoutError:
            pass
        assert sent < 32 << 20, "the server accepts requests without bound"
        time.sleep(0.1)
    with Client() as client:
        assert client.is_open()


def main():
    counts = Counts("HTTP/1.1")
    for rule, data, expectations in cases.ALL:
        counts.case(rule, check, data, expectations)
    counts.case("byte by byte", every_split, NEXT, "200")
    counts.case(
        "a chunked body byte by byte", every_split, requests.CHUNKED + b"3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n", "415"
    )
    counts.case("a half-closed client gets its response", half_close, NEXT, 200)
    counts.case(
        "a half-closed client with a body gets its response", half_close, requests.post(b"Content-Length: 3\r\n"), 415
    )
    counts.case("a half-closed client gets all its responses", a_half_closed_client_gets_all_its_responses)
    counts.case("a cut head is never processed", half_close, NEXT[:-2], None)
    counts.case("a cut body is never processed", half_close, requests.post(b"Content-Length: 4\r\n"), None)
    counts.case("a cut chunk is never processed", half_close, requests.CHUNKED + b"5\r\nabc", None)
    counts.case("a chunked body without its last chunk", half_close, requests.CHUNKED + b"3\r\nabc\r\n", None)
    counts.case("100 before the body", continue_then_body)
    counts.case(
        "413 reaches a client that continues sending",
        big_refused_body_is_drained,
        b"Content-Length: 99999999\r\n",
        4 << 20,
    )
    counts.case("413 reaches a client that reads late", a_client_that_reads_late_sees_the_refusal)
    counts.case("413 of decoded bytes", body_over_the_limit_in_chunks)
    for function in (
        allow_names_the_methods,
        head_has_the_fields_of_get,
        request_id_is_sanitised,
        nothing_splits_a_response,
        no_cors_unless_configured,
        unknown_paths_make_no_metrics,
        an_abort_leaves_the_server_whole,
        responses_wait_for_a_client_that_pipelines_and_does_not_read,
    ):
        counts.case(function.__name__.replace("_", " "), function)
    counts.finish()


if __name__ == "__main__":
    main()
