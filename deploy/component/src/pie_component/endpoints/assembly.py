"""Puts the endpoints of a container together."""

from pie_component.async_thread import AsyncThread
from pie_component.container import Container
from pie_component.endpoints.bodies import BodyForm
from pie_component.endpoints.egress import Egress
from pie_component.endpoints.ingress import Ingress
from pie_component.endpoints.server import EndpointServer
from pie_component.errors import PreconditionError
from pie_flow.catalogue import CATALOGUE
from pie_flow.container import EndpointSpec
from pie_flow.errors import FlowError


def make_server(container: Container, async_thread: AsyncThread) -> EndpointServer:
    """Listening. Raises RefusalError."""
    spec = container.spec
    assert spec.endpoint_address is not None
    forms = {endpoint.name: _form(endpoint) for endpoint in spec.endpoints}
    server = EndpointServer(spec.endpoints, counters=container.counters)
    for endpoint in spec.endpoints:
        if endpoint.direction == "ingress" and endpoint.into is not None:
            _add_ingress(container, server, endpoint, forms[endpoint.name])
        elif endpoint.direction == "egress" and (endpoint.of is not None or endpoint.name not in container.handlers):
            _add_egress(container, server, endpoint, forms[endpoint.name])
    handlers = container.handlers
    unknown = sorted(
        handlers.keys() - {endpoint.name for endpoint in spec.endpoints if endpoint.into is None and endpoint.of is None}
    )
    if unknown:
        raise PreconditionError(f"the component handles endpoints that its manifest does not leave to it: {', '.join(unknown)}")
    if handlers:
        from pie_component.endpoints.handlers import Runner  # most components have none

        responding = frozenset(endpoint.name for endpoint in spec.endpoints if endpoint.respond)
        server.conversations.runner = Runner(handlers, async_thread, server.post, responding)
    server.bind(container.zmq_context, spec.endpoint_address)
    if handlers:
        server.start_thread()
    return server


def _form(endpoint: EndpointSpec) -> BodyForm:
    try:
        return BodyForm(CATALOGUE.parse(endpoint.type))
    except FlowError as error:
        raise PreconditionError(f"endpoint {endpoint.name}: {error}") from error


def _add_ingress(container: Container, server: EndpointServer, endpoint: EndpointSpec, form: BodyForm) -> None:
    if endpoint.into is None or endpoint.into >= len(container.inputs):
        raise PreconditionError(f"endpoint {endpoint.name} feeds input {endpoint.into}, which is not there")
    server.conversations.ingresses[endpoint.name] = Ingress(
        endpoint,
        form,
        container.inputs[endpoint.into],
        server.send,
        container.counters,
        lambda: container.wake.set() if server.is_threaded else None,
    )


def _add_egress(container: Container, server: EndpointServer, endpoint: EndpointSpec, form: BodyForm) -> None:
    server.conversations.egresses[endpoint.name] = Egress(endpoint, form, server.send, container.counters, server.clock)
    if endpoint.of is None:
        return
    if endpoint.of >= len(container.outputs):
        raise PreconditionError(f"endpoint {endpoint.name} shows output {endpoint.of}, which is not there")
    name = endpoint.name
    container.outputs[endpoint.of].listeners.append(lambda correlation, value: server.emit(name, correlation, value))
