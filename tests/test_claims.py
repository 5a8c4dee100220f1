"""Claims become a principal: paths, lists, and which address is verified."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.claims import ClaimsMapping, is_true, lookup, merged, missing, names, principal_of, refreshed, text

CLAIMS: dict[str, Any] = {
    "a": {"b": {"c": 1}, "b.c": 2},
    "https://example.com/groups": ["x"],
    "kubernetes.io": {"namespace": "shop"},
    "resource_access": {"my.client": {"roles": ["r"]}},
    "nothing": None,
}


class LookupTests(SynchronousTestCase):
    def test_paths(self) -> None:
        """Dots lead into objects; names with dots of their own are found, the longest first."""
        for path, value in (
            ("a.b.c", 2),
            ("a.b", {"c": 1}),
            ("https://example.com/groups", ["x"]),
            ("kubernetes.io.namespace", "shop"),
            ("resource_access.my.client.roles", ["r"]),
            ("nothing", None),
            ("a.x", None),
            ("a.b.c.d", None),
            ("", None),
            (".", None),
            ("a..b", None),
        ):
            self.assertEqual(lookup(CLAIMS, path), value, path)
        self.assertIsNone(lookup("text", "a"))

    def test_missing(self) -> None:
        """What is null counts as missing."""
        self.assertEqual(missing(CLAIMS, ("a.b", "nothing", "groups")), ("nothing", "groups"))


class ValueTests(SynchronousTestCase):
    def test_names(self) -> None:
        """A list of strings, each once; one string is a list of one; everything else is left out."""
        for value, found in (
            (["b", "a", "b", "", 1, None, ["c"]], ("b", "a")),
            ("one", ("one",)),
            ("", ()),
            (None, ()),
            ({"a": 1}, ()),
            (7, ()),
        ):
            self.assertEqual(names(value), found)

    def test_text(self) -> None:
        """A string, or the first of a list."""
        for value, found in (("a", "a"), (["a", "b"], "a"), ([], None), ("", None), (7, None), (None, None), ([7], None), ({}, None)):
            self.assertEqual(text(value), found)

    def test_is_true(self) -> None:
        """true and "true", and nothing that merely looks like it."""
        self.assertTrue(is_true(True) and is_true("true") and is_true("True"))
        for value in (1, "1", "yes", "", None, "false", [True]):
            self.assertFalse(is_true(value))


class EmailTests(SynchronousTestCase):
    def email(self, claims: dict[str, Any], **mapping: Any) -> tuple[str | None, str | None]:
        principal = principal_of({"iss": "i", "sub": "s", **claims}, ClaimsMapping(**mapping))
        return principal.email, principal.trusted_email

    def test_verified(self) -> None:
        """Only true (or "true") verifies."""
        self.assertEqual(self.email({"email": "a@x", "email_verified": True}), ("a@x", "a@x"))
        self.assertEqual(self.email({"email": "a@x", "email_verified": "true"}), ("a@x", "a@x"))
        for value in (False, "false", 1, None, "yes"):
            self.assertEqual(self.email({"email": "a@x", "email_verified": value}), ("a@x", None))
        self.assertEqual(self.email({"email": "a@x"}), ("a@x", None))

    def test_trusted(self) -> None:
        """trust_email makes an unverified address count, and none out of nothing."""
        self.assertEqual(self.email({"email": "a@x", "email_verified": False}, trust_email=True), ("a@x", "a@x"))
        self.assertEqual(self.email({}, trust_email=True), (None, None))

    def test_another_claim(self) -> None:
        """email_verified speaks of the claim email: another claim's address is verified only when it is the same."""
        self.assertEqual(self.email({"upn": "root@x", "email": "a@x", "email_verified": True}, email="upn"), ("root@x", None))
        self.assertEqual(self.email({"upn": "a@x", "email": "a@x", "email_verified": True}, email="upn"), ("a@x", "a@x"))


class MergeTests(SynchronousTestCase):
    def test_id_token_wins(self) -> None:
        """Userinfo adds; what the ID token says stays; the protocol's own claims never come from userinfo."""
        found = merged({"sub": "a", "name": "A"}, {"sub": "a", "name": "B", "groups": ["g"], "iss": "x", "acr": "mfa", "exp": 1})
        self.assertEqual(found, {"sub": "a", "name": "A", "groups": ["g"]})

    def test_verification_of_another_address(self) -> None:
        """userinfo's email_verified counts for userinfo's address, not for another one in the ID token."""
        self.assertNotIn("email_verified", merged({"email": "root@x"}, {"email": "a@x", "email_verified": True}))
        self.assertNotIn("email_verified", merged({"email": "root@x"}, {"email_verified": True}))
        self.assertTrue(merged({"email": "a@x"}, {"email": "a@x", "email_verified": True})["email_verified"])

    def test_refreshed(self) -> None:
        """After a refresh userinfo's news replace what was known, but who it is stays; a new address is not verified by the old one."""
        before = {"iss": "i", "sub": "a", "groups": ["old"], "email": "a@x", "email_verified": True, "department": "d"}
        found = refreshed(before, {"sub": "a", "iss": "x", "groups": ["new"], "email": "b@x"})
        self.assertEqual(found, {"iss": "i", "sub": "a", "groups": ["new"], "email": "b@x", "department": "d"})
        self.assertEqual(refreshed(before, {}), before)


class PrincipalTests(SynchronousTestCase):
    def test_mapping(self) -> None:
        """Every attribute from the claim that the operator named; groups of several claims and from elsewhere, each once."""
        mapping = ClaimsMapping("corp", ("groups", "realm.roles"), "mail", "uid", "cn", True)
        claims = {
            "iss": "i",
            "sub": "s",
            "groups": ["a", "b"],
            "realm": {"roles": ["b", "c"]},
            "mail": "m@x",
            "uid": "u",
            "cn": "C N",
            "nonce": "n",
        }
        principal = principal_of(claims, mapping, groups=["c", "d"])
        self.assertEqual((principal.issuer, principal.subject, principal.provider), ("i", "s", "corp"))
        self.assertEqual((principal.groups, principal.trusted_email), (("a", "b", "c", "d"), "m@x"))
        self.assertEqual((principal.username, principal.name), ("u", "C N"))
        self.assertEqual(principal.claims, {name: value for name, value in claims.items() if name != "nonce"})

    def test_nothing(self) -> None:
        """Missing and malformed claims leave attributes empty, never wrong."""
        principal = principal_of({"iss": "i", "sub": "s", "groups": {"a": 1}, "name": 5, "email": {}}, ClaimsMapping())
        self.assertEqual((principal.groups, principal.name, principal.email, principal.username), ((), None, None, None))

    def test_paths(self) -> None:
        """The claims that decide about access are those of groups and address."""
        self.assertEqual(ClaimsMapping(groups=("a", "b"), email="m").paths, ("a", "b", "m"))
