"""The token for writing, which is created here, shown once, and stored only as a hash."""

from __future__ import annotations

from chalicelib.services.access import key_ring
from infra.deploy.stage import Stage

NONE = "none"
"""The value of the parameter until a token is created."""


def stored(stage: Stage) -> str:
    """Return the stored hash of the token, which is empty until a token is created."""
    answer = stage.client("ssm").get_parameter(Name=stage.token_parameter)
    value = str(answer["Parameter"]["Value"])
    return "" if value == NONE else value


def renew(stage: Stage) -> str:
    """Create a token and store its hash. The next `chalice deploy` makes the token valid."""
    token = key_ring.new_token()
    stage.client("ssm").put_parameter(
        Name=stage.token_parameter, Value=key_ring.fingerprint(token), Overwrite=True
    )
    return token
