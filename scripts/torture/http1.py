# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 by the letter: every case of http1_cases.py, and those that need more than one turn."""

import time

import http1_cases as cases
import http1_requests as requests
from counts import Counts
from http1_client import Client

NEXT = requests.NEXT


def check(octets, expectations):
    """Sends the octets and holds what comes back against the expectations, one of which must fit."""
    if isinstance(expectations, str):
        expectations = (expectations,)
    words = expectations[0].split()
    method = "HEAD" if words[0] == "HEAD" else "GET"
    wanted = [expectation.replace("HEAD ", "").split() for expectation in expectations]
    with Client() as client:
        client.send(octets)
        if wanted == [["wait"]]:
            assert not client.is_closed(0.3) and not client.buffer, f"answered {client.buffer[:100]!r}"
            return
        got = []
        answer = None
        while not any(fits(words, got) for words in wanted):
            answer = client.answer(method)
            if answer is None:
                break
            got.append(answer.status)
            if answer.get("connection") == "close" or len(got) >= max(len(words) for words in wanted) - 1:
                break
        endings = [words[-1] for words in wanted if fits(words, got)]
        assert endings, f"got {got}, expected {expectations}"
        ending = endings[0]
        if ending == "closed":
            assert answer.get("connection") == "close", "an answer without Connection: close, and the connection ends"
            assert client.is_closed(), "the connection stays open or holds more answers"
        elif ending == "open":
            assert answer.get("connection") in (None, "keep-alive"), answer.get("connection")
            assert client.is_open(), "the connection is not usable"


def fits(words, statuses):
    """Whether the statuses are those of an expectation, whose last word is how the connection ends."""
    return len(words) == len(statuses) + 1 and all(
        word == str(status) or (word == "4xx" and 400 <= status < 500) for word, status in zip(words, statuses)
    )


def every_split(octets, expectation):
    """The same octets one by one."""
    with Client() as client:
        for octet in octets:
            client.send(bytes([octet]))
        answer = client.answer()
        assert str(answer.status) == expectation, answer.status


def half_close(octets, expectation):
    with Client() as client:
        client.send(octets)
        client.half_close()
        answer = client.answer()
        assert (None if answer is None else answer.status) == expectation, answer and answer.status
        assert client.is_closed()


def a_half_closed_client_gets_all_its_answers():
    with Client(timeout=10) as client:
        client.send(cases.post(b"Content-Length: 3\r\n") * 20 + NEXT + NEXT[:-2])
        client.half_close()
        statuses = [client.answer().status for _ in range(21)]
        assert statuses == [415] * 20 + [200], statuses
        assert client.is_closed()


def continue_then_body():
    with Client() as client:
        client.send(requests.POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert client.answer().status == 100
        client.send(b"abc")
        assert client.answer().status == 415
        assert client.is_open()


def big_refused_body_is_drained(fields, length):
    """A refusal of a body that is being sent must reach the client: no reset before the answer."""
    with Client(timeout=10) as client:
        client.send(requests.POST + fields + b"\r\n")
        for _ in range(length // 65536):
            client.send(b"0" * 65536)
        answer = client.answer()
        assert answer.status == 413, answer.status


def a_client_that_reads_late_sees_the_refusal():
    """As most libraries do: the whole body first; an error while sending would be all that their users see."""
    with Client(timeout=10) as client:
        client.socket.sendall(cases.POST + b"Content-Length: 75000000\r\n\r\n")
        client.socket.sendall(bytes(75_000_000))
        answer = client.answer()
        assert answer.status == 413, answer.status
        assert client.is_closed()


def body_over_the_limit_in_chunks():
    with Client(timeout=20) as client:
        client.send(requests.CHUNKED)
        chunk = b"100000\r\n" + b"\0" * 0x100000 + b"\r\n"
        for _ in range(66):
            client.send(chunk)
        answer = client.answer()
        assert answer.status == 413, answer.status
        assert answer.get("connection") == "close"


def fields_of(octets, method="GET"):
    with Client() as client:
        client.send(octets)
        return client.answer(method)


def allow_names_the_methods():
    assert fields_of(requests.target(b"/encode")).get("allow") == "POST, OPTIONS"
    assert "GET" in fields_of(requests.target(b"/info", b"POST")).get("allow")


def head_has_the_fields_of_get():
    get = fields_of(requests.target(b"/openapi.yaml"))
    head = fields_of(requests.target(b"/openapi.yaml", b"HEAD"), "HEAD")
    for name in ("content-type", "content-length"):
        assert get.get(name) == head.get(name), name


def request_id_is_sanitised():
    assert fields_of(requests.get(b"Request-Id: abc-1.2:3_4\r\n")).get("request-id") == "abc-1.2:3_4"
    for value in (b"a b", b'a"b', b"<x>", b"\xff", b"x" * 129, b"a\tb", b"a;b", b"%0d%0a"):
        answer = fields_of(requests.get(b"Request-Id: " + value + b"\r\n"))
        assert answer.get("request-id").encode() != value, value


def nothing_splits_an_answer():
    for target in (b"/problems/a%0d%0aX-Split:%20y", b"/a%0d%0aX-Split:%20y", b"/labels?format=%0d%0aX-Split:%20y"):
        answer = fields_of(requests.target(target))
        assert answer.get("x-split") is None and b"\r\nX-Split" not in answer.body, answer.fields


def no_cors_unless_configured():
    answer = fields_of(requests.get(b"Origin: https://evil.example\r\n"))
    assert not [name for name, _ in answer.fields if name.startswith("access-control")]
    preflight = requests.target(
        b"/encode",
        b"OPTIONS",
        requests.H + b"Origin: https://evil.example\r\n" b"Access-Control-Request-Method: POST\r\n",
    )
    assert not [name for name, _ in fields_of(preflight).fields if name.startswith("access-control")]


def unknown_paths_make_no_metrics():
    for index in range(20):
        fields_of(requests.target(b"/unknown-%d" % index))
    page = fields_of(requests.target(b"/metrics"))
    assert b"unknown-" not in page.body


def an_abort_leaves_the_server_whole():
    for octets in (b"G", requests.POST + b"Content-Length: 9\r\n\r\nab", requests.CHUNKED + b"5\r\na", NEXT[:-1]):
        Client().socket.close()
        with Client() as client:
            client.send(octets)
    with Client() as client:
        assert client.is_open()


def answers_wait_for_a_reader_who_pipelines_and_does_not_read():
    """Thousands of requests are not all answered into memory while nobody reads."""
    with Client(receive_buffer=4096) as client:
        client.socket.settimeout(0.5)
        request = requests.target(b"/openapi.yaml")
        sent = 0
        try:
            while sent < 64 << 20:
                sent += client.socket.send(request * 100)
        except TimeoutError:
            pass
        assert sent < 32 << 20, "the server takes requests without end"
        time.sleep(0.1)
    with Client() as client:
        assert client.is_open()


def main():
    counts = Counts("HTTP/1.1")
    for rule, octets, expectations in cases.ALL:
        counts.case(rule, check, octets, expectations)
    counts.case("octet by octet", every_split, NEXT, "200")
    counts.case(
        "a chunked body octet by octet", every_split, requests.CHUNKED + b"3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n", "415"
    )
    counts.case("a half-closed client gets its answer", half_close, NEXT, 200)
    counts.case(
        "a half-closed client with a body gets its answer", half_close, requests.post(b"Content-Length: 3\r\n"), 415
    )
    counts.case("a half-closed client gets all its answers", a_half_closed_client_gets_all_its_answers)
    counts.case("a cut head is never processed", half_close, NEXT[:-2], None)
    counts.case("a cut body is never processed", half_close, requests.post(b"Content-Length: 4\r\n"), None)
    counts.case("a cut chunk is never processed", half_close, requests.CHUNKED + b"5\r\nabc", None)
    counts.case("a chunked body without its last chunk", half_close, requests.CHUNKED + b"3\r\nabc\r\n", None)
    counts.case("100 before the body", continue_then_body)
    counts.case(
        "413 reaches a client that goes on sending",
        big_refused_body_is_drained,
        b"Content-Length: 99999999\r\n",
        4 << 20,
    )
    counts.case("413 reaches a client that reads late", a_client_that_reads_late_sees_the_refusal)
    counts.case("413 of decoded octets", body_over_the_limit_in_chunks)
    for function in (
        allow_names_the_methods,
        head_has_the_fields_of_get,
        request_id_is_sanitised,
        nothing_splits_an_answer,
        no_cors_unless_configured,
        unknown_paths_make_no_metrics,
        an_abort_leaves_the_server_whole,
        answers_wait_for_a_reader_who_pipelines_and_does_not_read,
    ):
        counts.case(function.__name__.replace("_", " "), function)
    counts.finish()


if __name__ == "__main__":
    main()
