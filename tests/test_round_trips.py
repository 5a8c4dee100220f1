"""When logins go round in circles: :mod:`meshproxy.core.round_trips`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.round_trips import MOST_TRIPS, WINDOW, RoundTrips

NOW = 1_800_000_000.0


def trips(*steps: tuple[float, float | None]) -> list[RoundTrips]:
    """The cookie after each finished trip, by way of its wire form."""
    value, seen = b"", []
    for now, session_since in steps:
        after = RoundTrips.parse(value, now).finished(session_since, now)
        value = bytes(after)
        seen.append(after)
    return seen


class CirclingTests(SynchronousTestCase):
    def test_third_trip_without_a_session_is_a_circle(self) -> None:
        """Three trips in the window, none with the session of the one before: the third one stops, not the second."""
        self.assertEqual([one.circling for one in trips((NOW, None), (NOW + 2, None), (NOW + 4, None))], [False, False, True])

    def test_slow_trips_are_no_circle(self) -> None:
        """Somebody who logs in once in every window never sees the page."""
        self.assertFalse(any(one.circling for one in trips(*((NOW + step * WINDOW, None) for step in range(6)))))

    def test_a_session_that_came_back_starts_the_count_anew(self) -> None:
        """A trip with the session that the last one made proves that cookies stick."""
        after = trips((NOW, None), (NOW + 2, None), (NOW + 4, NOW + 2), (NOW + 6, None))
        self.assertEqual([one.lost for one in after], [0, 1, 0, 1])

    def test_an_old_session_does_not_count_as_one_that_came_back(self) -> None:
        """A hand-off that renews a session is lost too where the old session keeps coming."""
        self.assertTrue(trips((NOW, NOW - 900), (NOW + 1, NOW - 900), (NOW + 2, NOW - 900))[-1].circling)

    def test_ten_tabs_at_once_are_no_circle(self) -> None:
        """Requests that were under way together know of no trip before them."""
        self.assertFalse(any(RoundTrips.parse(b"", NOW).finished(None, NOW).circling for _ in range(10)))

    def test_a_circle_that_renews_its_session_every_time_stops_too(self) -> None:
        """However it comes about: more than a dozen finished logins in half a minute are no person."""
        after = trips(*((NOW + step, NOW + step - 1) for step in range(MOST_TRIPS + 1)))
        self.assertEqual([one.circling for one in after], [False] * MOST_TRIPS + [True])

    def test_nonsense_in_the_cookie_counts_as_nothing(self) -> None:
        """A cookie that somebody else wrote cannot lock anybody out or break anything."""
        future = b"9.%d" % (NOW + 500)
        for value in (b"", b".", b"-1.5", b"a.b", b"1", b"2." + b"9" * 400, b".".join([b"1"] * 300), b"\xff", "٣.٤".encode(), future):
            with self.subTest(value=value[:20]):
                self.assertEqual(RoundTrips.parse(value, NOW), RoundTrips())

    def test_the_wire_form_is_bounded(self) -> None:
        """However long a circle goes on, its cookie stays small."""
        self.assertLess(len(bytes(trips(*((NOW + step / 10, None) for step in range(200)))[-1])), 200)
