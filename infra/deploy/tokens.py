"""The token for writing: created here, shown once, stored only as a hash."""

from __future__ import annotations

from chalicelib.services.access import key_ring
from infra.deploy.stage import Stage

NONE = "none"
"""The parameter's value before a token is created."""


def stored(stage: Stage) -> str:
    """Return the hash in the stage's parameter; empty before a token is created."""
    answer = stage.client("ssm").get_parameter(Name=stage.token_parameter)
    value = str(answer["Parameter"]["Value"])
    return "" if value == NONE else value


def renew(stage: Stage) -> str:
    """Create a token and store its hash; it is valid from the next `chalice deploy` on."""
    token = key_ring.new_token()
    stage.client("ssm").put_parameter(
        Name=stage.token_parameter, Value=key_ring.fingerprint(token), Overwrite=True
    )
    return token
