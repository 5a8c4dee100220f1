"""Who may enter."""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.access import Allowed, Denied, is_operator, judge, steps
from meshproxy.core.policy import AccessSettings
from meshproxy.core.principal import Principal
from meshproxy.settings import OperatorSettings

ALICE = Principal(
    "https://idp", "alice", email="Alice@Example.com", groups=("sre", "dev"), provider="corp", email_verified=True,
    claims={
        "department": "eng", "level": 3, "staff": True, "realm_access": {"roles": ["admin", 7]}, "https://acme.com/roles": ["boss"],
        "nothing": None, "acme.com": {"team": "blue"},
    },
)


class JudgeTests(SynchronousTestCase):
    def allowed(self, principal: Principal | None, **rule: object) -> str | None:
        judgement = judge(AccessSettings(**rule), principal)  # type: ignore[arg-type]
        return judgement.reason if isinstance(judgement, Allowed) else None

    def test_nobody_by_default(self) -> None:
        """Without a rule nobody enters."""
        self.assertIsInstance(judge(AccessSettings(), ALICE), Denied)

    def test_public(self) -> None:
        """``public`` lets everybody in, whatever else stands there."""
        self.assertEqual(self.allowed(None, public=True), "public")
        self.assertEqual(self.allowed(ALICE, public=True, providers=("other",)), "public")

    def test_nobody_is_there(self) -> None:
        """Who is not logged in is denied, and a login could help."""
        self.assertEqual(judge(AccessSettings(groups=("sre",)), None), Denied("nobody is logged in", ("sre",), login=True))

    def test_each_rule(self) -> None:
        """Any one rule met is enough, and the reason names it."""
        self.assertEqual(self.allowed(ALICE, authenticated=True), "authenticated")
        self.assertEqual(self.allowed(ALICE, groups=("ops", "dev")), "group dev")
        self.assertEqual(self.allowed(ALICE, emails=("bob@example.com", "ALICE@example.com")), "email ALICE@example.com")
        self.assertEqual(self.allowed(ALICE, domains=("EXAMPLE.com",)), "domain EXAMPLE.com")
        self.assertEqual(self.allowed(ALICE, domains=("@example.com",)), "domain @example.com")
        self.assertEqual(self.allowed(ALICE, claims={"department": ("hr", "eng")}), "claim department = eng")
        self.assertEqual(self.allowed(ALICE, groups=("ops",), claims={"department": ("eng",)}), "claim department = eng")

    def test_each_rule_unmet(self) -> None:
        """What is not met lets nobody in; groups are compared to the letter."""
        for rule in (
            {"groups": ("ops", "SRE", "sr")}, {"emails": ("bob@example.com",)}, {"domains": ("ample.com", "com", "x.example.com")},
            {"claims": {"department": ("engineering",), "no": ("eng",)}},
        ):
            self.assertIsNone(self.allowed(ALICE, **rule), rule)

    def test_needs(self) -> None:
        """The refusal tells which groups would do."""
        judgement = judge(AccessSettings(groups=("ops",), emails=("x@y",)), ALICE)
        assert isinstance(judgement, Denied)
        self.assertEqual((judgement.needs, judgement.login), (("ops",), False))

    def test_unverified_email_is_none(self) -> None:
        """An address that the provider does not vouch for counts as missing."""
        unverified = replace(ALICE, email_verified=False)
        self.assertIsNone(self.allowed(unverified, emails=("alice@example.com",), domains=("example.com",)))

    def test_look_alike_letters(self) -> None:
        """A letter that only lower-cases into ASCII (the Kelvin sign) does not pass for one."""
        kelvin = replace(ALICE, email="\u212aim@example.com")
        self.assertIsNone(self.allowed(kelvin, emails=("kim@example.com",)))
        self.assertIsNone(self.allowed(replace(ALICE, email="a@\u212a.com"), domains=("k.com",)))

    def test_odd_addresses(self) -> None:
        """The domain is what follows the last ``@``; an address without one has none."""
        self.assertIsNone(self.allowed(replace(ALICE, email="x@example.com@evil.com"), domains=("example.com",)))
        self.assertIsNone(self.allowed(replace(ALICE, email="example.com"), domains=("example.com",)))
        self.assertIsNone(self.allowed(replace(ALICE, email=""), emails=("",), domains=("",)))

    def test_providers_narrow(self) -> None:
        """``providers`` narrows every rule: another provider's group of the same name is another group."""
        self.assertEqual(self.allowed(ALICE, groups=("sre",), providers=("corp",)), "group sre")
        self.assertIsNone(self.allowed(replace(ALICE, provider="github"), groups=("sre",), providers=("corp",)))
        self.assertIsNone(self.allowed(ALICE, providers=("corp",)))

    def test_claims(self) -> None:
        """A claim equals a value or contains it; paths are dotted; a name with dots goes first; numbers and booleans are text."""
        for name, value in (
            ("realm_access.roles", "admin"), ("realm_access.roles", "7"), ("https://acme.com/roles", "boss"), ("level", "3"),
            ("staff", "true"), ("acme.com.team", "blue"),
        ):
            self.assertEqual(self.allowed(ALICE, claims={name: (value,)}), f"claim {name} = {value}")
        for name, value in (
            ("realm_access", "roles"), ("realm_access.roles.admin", "admin"), ("nothing", "None"), ("nothing", ""), ("missing", ""),
            ("staff", "True"), ("department.x", "eng"), ("", "eng"),
        ):
            self.assertIsNone(self.allowed(ALICE, claims={name: (value,)}), (name, value))


class StepTests(SynchronousTestCase):
    def test_every_rule_is_told(self) -> None:
        """``explain`` is told each rule and whether it is met."""
        rule = AccessSettings(
            groups=("ops", "sre"), emails=("bob@x",), domains=("example.com",), claims={"level": ("3",)}, providers=("corp",)
        )
        self.assertEqual(
            steps(rule, ALICE),
            [("provider corp", True), ("group ops", False), ("group sre", True), ("email bob@x", False), ("domain example.com", True),
             ("claim level = 3", True)],
        )
        self.assertEqual([met for _, met in steps(rule, None)], [False] * 6)
        self.assertEqual(steps(AccessSettings(public=True), None), [("public", True)])
        self.assertEqual(steps(AccessSettings(authenticated=True), ALICE), [("authenticated", True)])


class OperatorTests(SynchronousTestCase):
    def test_operators(self) -> None:
        """Operators are named by group or e-mail; ``providers`` narrows and names nobody; the default is nobody."""
        self.assertFalse(is_operator(OperatorSettings(), ALICE))
        self.assertFalse(is_operator(OperatorSettings(groups=("sre",)), None))
        self.assertTrue(is_operator(OperatorSettings(groups=("sre",)), ALICE))
        self.assertTrue(is_operator(OperatorSettings(emails=("alice@example.com",)), ALICE))
        self.assertFalse(is_operator(OperatorSettings(emails=("alice@example.com",)), replace(ALICE, email_verified=False)))
        self.assertFalse(is_operator(OperatorSettings(providers=("corp",)), ALICE))
        self.assertFalse(is_operator(OperatorSettings(groups=("sre",), providers=("github",)), ALICE))
