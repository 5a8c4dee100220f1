"""meshproxy.core.session_codec"""

from __future__ import annotations

import json
from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.principal import Principal, Tokens
from meshproxy.core.session_codec import (
    Reference,
    decode_reference,
    decode_session,
    encode_reference,
    encode_session,
    left_out,
    slimmer,
)

from .support.sessions import ALICE, START, record, tokens


class SessionCodecTests(SynchronousTestCase):
    def test_there_and_back(self) -> None:
        """Every attribute of a session survives, in any script."""
        full = record(
            principal=replace(ALICE, name="Ælīs 愛 \ud800", claims={"team": {"id": [1, 2.5, None, True]}}), tokens=tokens(),
            provider_session="sid-1", ends_at=START + 9, parent="apps.example.com", version=7, address="192.0.2.1", device="Firefox",
        )  # fmt: skip
        self.assertEqual(decode_session(encode_session(full)), full)
        self.assertEqual(decode_session(encode_session(record())), record())

    def test_claims_of_the_check_alone(self) -> None:
        """Claims that only the check of an ID token reads are not kept."""
        kept = decode_session(encode_session(record(principal=replace(ALICE, claims={"sub": "alice", "nonce": "n", "at_hash": "h"}))))
        assert kept is not None
        self.assertEqual(kept.principal.claims, {"sub": "alice"})

    def test_what_json_does_not_know(self) -> None:
        """A plugin's date in a claim becomes text instead of ending the login."""
        import datetime

        kept = decode_session(encode_session(record(principal=replace(ALICE, claims={"since": datetime.date(2026, 1, 2)}))))
        assert kept is not None
        self.assertEqual(kept.principal.claims, {"since": "2026-01-02"})

    def test_another_format(self) -> None:
        """What another version wrote, and what is no session, is none."""
        good = json.loads(encode_session(record()))
        for bad in (b"", b"[]", b"{}", b"null", b"\xff", json.dumps(good | {"f": 2}).encode(), json.dumps(good | {"w": []}).encode(),
                    json.dumps(good | {"s": None}).encode(), json.dumps({k: v for k, v in good.items() if k != "h"}).encode()):  # fmt: skip
            self.assertIsNone(decode_session(bad), bad)

    def test_references(self) -> None:
        """A reference survives; its secret stands in no repr."""
        reference = Reference("i" * 43, bytes(range(32)), "apps.example.com", START)
        self.assertEqual(decode_reference(encode_reference(reference)), reference)
        self.assertNotIn("x00", repr(reference))
        for bad in (b"", b"{}", b"[]", encode_session(record())):
            self.assertIsNone(decode_reference(bad))


class SlimmerTests(SynchronousTestCase):
    BIG = record(
        principal=Principal("i", "s", groups=("a",), claims={"small": "x", "big": "x" * 400, "bigger": "x" * 900}),
        tokens=Tokens("access", "id", "refresh", 1.0),
    )

    def test_the_order(self) -> None:
        """ID token, access token, then claims from the biggest down; small claims, groups and the refresh token stay."""
        steps = [left_out(self.BIG, smaller) for smaller in slimmer(self.BIG, ())]
        self.assertEqual(steps, [
            [], ["the id token"], ["the id token", "the access token"],
            ["the id token", "the access token", "the claim bigger"],
            ["the id token", "the access token", "the claim big", "the claim bigger"],
        ])  # fmt: skip
        last = list(slimmer(self.BIG, ()))[-1]
        assert last.tokens is not None
        self.assertEqual((last.tokens.refresh, dict(last.principal.claims), last.principal.groups), ("refresh", {"small": "x"}, ("a",)))

    def test_tokens_that_rewriters_need_stay(self) -> None:
        """A token that a rewriter sends to its service is never left out."""
        for smaller in slimmer(self.BIG, ("id", "access")):
            assert smaller.tokens is not None
            self.assertEqual((smaller.tokens.id, smaller.tokens.access), ("id", "access"))
        for smaller in slimmer(self.BIG, ("access",)):
            assert smaller.tokens is not None
            self.assertEqual(smaller.tokens.access, "access")
