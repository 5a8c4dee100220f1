"""Places and queue: limits hold, and nobody starves the others."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.upstream.lane import Lane


class Person:
    def __init__(self, principal: object) -> None:
        self.principal = principal


class LaneTests(SynchronousTestCase):
    def test_places(self) -> None:
        """So many at once and no more; who leaves makes room."""
        lane: Lane[Person] = Lane(2, 0, 10)
        self.assertEqual([lane.enter("a"), lane.enter("a"), lane.enter("b")], [True, True, False])
        lane.leave("a")
        self.assertTrue(lane.enter("b"))

    def test_per_principal(self) -> None:
        """One person's share is limited, everybody else's is untouched; anonymous requests share no limit."""
        lane: Lane[Person] = Lane(100, 2, 10)
        self.assertEqual([lane.enter("a") for _ in range(3)], [True, True, False])
        self.assertTrue(lane.enter("b"))
        self.assertEqual([lane.enter(None) for _ in range(5)], [True] * 5)
        lane.leave("a")
        self.assertTrue(lane.enter("a"))

    def test_forgets_who_is_gone(self) -> None:
        """Nothing is kept of a person who holds no place."""
        lane: Lane[Person] = Lane(100, 2, 10)
        for name in range(1000):
            lane.enter(name)
            lane.leave(name)
        self.assertEqual((lane.taken, lane._held), (0, {}))

    def test_next_is_first_come(self) -> None:
        """Among equals the longest waiting goes first."""
        lane: Lane[Person] = Lane(1, 0, 10)
        lane.enter("x")
        people = [Person("a"), Person("b"), Person("a")]
        for person in people:
            self.assertIsNone(lane.wait(person))
        self.assertIsNone(lane.next())
        order = []
        for _ in people:
            lane.leave("x")
            order.append(lane.next())
        self.assertEqual(order, people)

    def test_next_prefers_who_has_least(self) -> None:
        """A free place goes to whoever has the fewest, not to whoever asked most often."""
        lane: Lane[Person] = Lane(3, 3, 10)
        for _ in range(3):
            lane.enter("greedy")
        greedy, modest = Person("greedy"), Person("modest")
        lane.wait(greedy)
        lane.wait(modest)
        lane.leave("greedy")
        self.assertIs(lane.next(), modest)
        lane.leave("modest")
        self.assertIs(lane.next(), greedy)

    def test_next_respects_the_share(self) -> None:
        """Who is at the limit stays in the queue although places are free."""
        lane: Lane[Person] = Lane(10, 1, 10)
        lane.enter("a")
        waiting = Person("a")
        lane.wait(waiting)
        self.assertIsNone(lane.next())
        lane.leave("a")
        self.assertIs(lane.next(), waiting)

    def test_full_queue(self) -> None:
        """A full queue turns the newcomer away, unless somebody fills it alone: then their newest gives way."""
        lane: Lane[Person] = Lane(0, 0, 4)
        greedy = [Person("greedy") for _ in range(4)]
        for person in greedy:
            lane.wait(person)
        modest = Person("modest")
        self.assertIs(lane.wait(modest), greedy[3])
        again = Person("greedy")
        self.assertIs(lane.wait(again), again)
        self.assertEqual(list(lane.waiting), [*greedy[:3], modest])
        self.assertIs(Lane[Person](0, 0, 0).wait(modest), modest)

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.tuples(st.booleans(), st.sampled_from(["a", "b", "c", None])), max_size=80))
    def test_invariants(self, steps: list[tuple[bool, str | None]]) -> None:
        """Whatever comes and goes: limits hold, and no place is free while somebody who may have it waits."""
        lane: Lane[Person] = Lane(5, 2, 4)
        inside: list[str | None] = []
        for come, name in steps:
            if come:
                if lane.enter(name):
                    inside.append(name)
                else:
                    lane.wait(Person(name))
            elif name in inside:
                inside.remove(name)
                lane.leave(name)
                following = lane.next()
                if following is not None:
                    inside.append(following.principal)  # type: ignore[arg-type]
            self.assertEqual(lane.taken, len(inside))
            self.assertLessEqual(len(inside), 5)
            self.assertLessEqual(len(lane.waiting), 4)
            for person in "abc":
                self.assertLessEqual(inside.count(person), 2)
            if len(inside) < 5:
                self.assertTrue(all(inside.count(w.principal) >= 2 for w in lane.waiting))  # type: ignore[arg-type]
