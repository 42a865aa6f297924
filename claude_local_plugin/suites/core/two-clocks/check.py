from claude_local_plugin.evaluation.judging import only_changed, python, unit_tests_pass, wrong

only_changed("diary.py")
unit_tests_pass(least=2)
HEAD = """
import os, time
os.environ["TZ"] = "EAST-11"
time.tzset()
import diary
from datetime import datetime, timedelta, timezone
zone = lambda hours: timezone(timedelta(hours=hours))
"""
if python(HEAD + "diary.day_of(datetime(2026, 3, 1)); answer([os.environ['TZ'], time.localtime(0).tm_hour])") != [
    "EAST-11",
    11,
]:
    wrong("the zone of the process is changed, which is everybody's")
if python(HEAD + "answer(diary.day_of(datetime(2026, 3, 1, 3, tzinfo=zone(9))))") != "2026-02-28":
    wrong("a time in another zone has another day in UTC")
if python(HEAD + "answer(diary.day_of(datetime(2026, 12, 31, 23, tzinfo=zone(-2))))") != "2027-01-01":
    wrong("a time in another zone has another day in UTC")
if python(HEAD + "answer([diary.day_of(datetime(2026, 3, 1, hour)) for hour in (0, 23)])") != ["2026-03-01"] * 2:
    wrong("a time without a zone is not in UTC, on a machine whose zone is another one")
