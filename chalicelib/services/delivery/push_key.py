"""The key pair by which push services know a stage (VAPID). It is made once; the private key is
never shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.errors import Contended

SEALED_FOR = "push-key"
"""The name that the encrypted key pair is bound to, in place of a channel's id."""


class PushKey(NamedTuple):
    """The public key in base64url, and the encrypted Secrets with both keys."""

    public: str
    sealed: str


class PushKeyStore(Protocol):
    """Stores the key pair."""

    def read(self) -> PushKey | None:
        """Return the key pair, read consistently; None before it is made."""

    def write(self, key: PushKey) -> bool:
        """Store the key pair and return True; return False if one is stored already."""


class PushKeyRing:
    """Makes the stage's key pair when it is first needed. `generate` returns a random pair, and
    `seal` encrypts it."""

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
        """Return the key pair; None before it is made."""
        return self._store.read()

    def ensure(self) -> PushKey:
        """Return the key pair. If there is none, it is made first. Raises Conflict, Contended."""
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
