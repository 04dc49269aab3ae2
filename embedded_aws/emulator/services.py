"""Limits moto's dispatcher to the services that the emulator serves.

Some of moto's two hundred services act outside their process: Batch and Lambda start containers.
"""

from __future__ import annotations

import functools
from typing import Any

from moto import backends
from moto.core import responses
from moto.core.authorization import ActionAuthenticatorMixin
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from embedded_aws.emulator.admission import Refusal, answer

SERVED = ("dynamodb", "dynamodbstreams", "glue", "kinesis", "s3", "sns", "sqs")
"""Services that moto answers. `embedded_aws.athena` answers Athena, and `embedded_aws.kms` KMS."""


class _NotServedError(Exception):
    """A request names a service that is not served. The argument is the service's name."""


class Dispatcher(DomainDispatcherApplication):  # type: ignore[misc]  # moto has no types there
    """Answers requests to the services SERVED with moto, and other requests with an error."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)

    def get_backend_for_host(self, host: str | None) -> Any:
        """Return the service to which a host name belongs. Raises _NotServedError."""
        if host is None:  # moto calls again with what it infers from the request
            return None
        backend = super().get_backend_for_host(host)
        if backend not in SERVED:
            raise _NotServedError(backend or host.partition(".")[0])
        return backend

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer a request with moto, or with an error if its service is not served."""
        try:
            application = self.get_application(environ)
        except _NotServedError as error:
            served = f"{', '.join(SERVED)}, athena and kms"
            reason = f"{error}: not served; the embedded AWS has {served}"
            refused = Refusal("400 Bad Request", "UnknownOperationException", reason)
            return answer(environ, refused, start_response)
        return application(environ, start_response)


def spare_repeated_work() -> None:
    """Remove work that moto repeats for every request: it lists its own folder twice, searches a
    class for its methods, and loads IAM to check nothing."""
    modules = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)

    def allow(_self: Any, *_: Any, **__: Any) -> None:
        """Accept any credentials, as moto does by default."""

    ActionAuthenticatorMixin._authenticate_and_authorize_normal_action = allow
    ActionAuthenticatorMixin._authenticate_and_authorize_s3_action = allow
