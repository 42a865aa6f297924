import unittest
from datetime import datetime, timedelta, timezone

from diary import day_of


class Days(unittest.TestCase):
    def test_late_in_the_west_is_tomorrow(self):
        late = datetime(2026, 3, 1, 22, tzinfo=timezone(timedelta(hours=-5)))
        self.assertEqual(day_of(late), "2026-03-02")

    def test_without_a_zone(self):
        self.assertEqual(day_of(datetime(2026, 3, 1, 23, 59)), "2026-03-01")


if __name__ == "__main__":
    unittest.main()
