"""Did the mesh refuse the token?"""

from __future__ import annotations

from .support.diagnosing import ENVOYS, CauseTests, answered, verdict


class JwtRejectedTests(CauseTests):
    """Did the mesh refuse the token?"""

    def test_the_texts(self) -> None:
        """Every text of the family is proof, also those that have not been seen yet."""
        for status, text in (
            (401, "Jwt is missing"), (401, "Jwt is expired"), (401, "Jwt issuer is not configured"), (401, "Jwt verification fails"),
                             (401, "Jwks doesn't have key to match kid or alg from Jwt"), (401, "Jwks remote fetch is failed"),
                             (403, "Audiences in Jwt are not allowed"), (401, "Jwt payload [nbf] field is not an integer")):
            found = self.proven("jwt_rejected", "own-sidecar", verdict(answered(status, text, ENVOYS)))
            self.advises(found, "issuer", "audience")

    def test_a_missing_token(self) -> None:
        """Then a rewriter that sends one is advised."""
        self.advises(verdict(answered(401, "Jwt is missing", ENVOYS)), '[[rewrite]] use = "bearer"')

    def test_a_services_own_words(self) -> None:
        """A service that says something like it."""
        for body in ("Jwt is expired since yesterday; please log in again at https://login.example.com/?next=%2F", "JWT is expired"):
            self.assertEqual("service_refused", verdict(answered(401, body, ENVOYS)).cause)
