import subprocess
import unittest


class Version(unittest.TestCase):
    def test_it_is_printed(self):
        self.assertEqual(subprocess.run(["python3", "tool.py", "--version"], capture_output=True).stdout, b"3.1\n")
