"""Manage the key pair by which push services identify a stage (VAPID). The pair is made once, and
the private key is never shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.errors import Contended

SEALED_FOR = "push-key"
"""The name to which the encrypted key pair is bound. Other secrets are bound to a channel's id."""


class PushKey(NamedTuple):
    """The public key in base64url, and the encrypted Secrets, which have both keys."""

    public: str
    sealed: str


class PushKeyStore(Protocol):
    """Stores the key pair."""

    def read(self) -> PushKey | None:
        """Return the key pair, with a consistent read; None if there is none yet."""

    def write(self, key: PushKey) -> bool:
        """Store the key pair and return True. If a pair is stored already, return False."""


class PushKeyRing:
    """Makes the stage's key pair on first use. `generate` returns a random pair, and `seal`
    encrypts it."""

    def __init__(
        self,
        store: PushKeyStore,
        seal: Callable[[str, Secrets], str],
        generate: Callable[[], Secrets],
    ) -> None:
        self._store = store
        self._seal = seal
        self._generate = generate

    def current(self) -> PushKey | None:
        """Return the key pair; None if there is none yet."""
        return self._store.read()

    def ensure(self) -> PushKey:
        """Return the key pair; make it if there is none. Raises Conflict, Contended."""
        found = self._store.read()
        if found is not None:
            return found
        secrets = self._generate()
        made = PushKey(secrets.address, self._seal(SEALED_FOR, secrets))
        if self._store.write(made):
            return made
        found = self._store.read()  # another request was faster
        if found is None:
            raise Contended("the push key is being changed by others: send the request again")
        return found
