"""One request over HTTP/2 (RFC 9113). Needs the extra [grpc]: only who speaks it imports it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, Event, ResponseReceived, StreamEnded, StreamReset, TrailersReceived
from h2.exceptions import ProtocolError

from probes.attempt import ProbeFailed
from probes.lines import Stream
from probes.result import Failure
from probes.text import excerpt

Headers = Sequence[tuple[str, str]]
_READ = 16 * 1024
_SETTINGS = 4


@dataclass(slots=True)
class Answer:
    """What came back; names of headers are in lower case, and those that follow the body join those before it."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    has_ended: bool = False


async def exchange(stream: Stream, headers: Headers, body: bytes) -> Answer:
    """Send one request, and read its answer to the end; what *stream* allows in all is the cap.

    Errors: ProbeFailed with PROTOCOL for what is no HTTP/2, RESET where the peer ends the request, CLOSED where it ends too early.
    """
    dialogue = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
    dialogue.initiate_connection()
    number = dialogue.get_next_available_stream_id()
    dialogue.send_headers(number, list(headers))
    dialogue.send_data(number, body, end_stream=True)
    stream.write(dialogue.data_to_send())
    answer = Answer()
    dialogue.receive_data(await _beginning(stream))
    while not answer.has_ended:
        octets = await stream.some(_READ)
        if not octets:
            raise ProbeFailed(Failure.CLOSED, "the connection ended within the answer")
        try:
            events = dialogue.receive_data(octets)
            for event in events:
                _note(event, answer, dialogue)
        except (ProtocolError, UnicodeDecodeError) as error:
            raise ProbeFailed(Failure.PROTOCOL, f"not HTTP/2: {error}") from error
        stream.write(dialogue.data_to_send())
    return answer


async def _beginning(stream: Stream) -> bytes:
    """Read the head of the first frame, by which a server that speaks something else is known (section 3.4)."""
    head = await stream.exactly(9)
    if head[0] or head[3] != _SETTINGS or any(head[5:]):
        raise ProbeFailed(Failure.PROTOCOL, f"not HTTP/2: {excerpt(head + stream.discard())}")
    return head


def _note(event: Event, answer: Answer, dialogue: H2Connection) -> None:
    match event:
        case ResponseReceived() | TrailersReceived():
            answer.headers |= {str(name): str(value) for name, value in event.headers or ()}
        case DataReceived():
            answer.body += event.data or b""
            dialogue.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id or 0)
        case StreamEnded():
            answer.has_ended = True
        case StreamReset():
            raise ProbeFailed(Failure.RESET, f"the server ended the request: error {event.error_code}")
        case ConnectionTerminated():
            raise ProbeFailed(Failure.RESET, f"the server ended the connection: error {event.error_code}")
        case _:
            return
