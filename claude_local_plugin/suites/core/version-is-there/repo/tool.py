"""A tool: `python3 tool.py [NAME]`."""

from options import parser

if __name__ == "__main__":
    asked = parser("tool").parse_args()
    print(f"hello {asked.name}")
