from options import parser

if __name__ == "__main__":
    import sys

    if "--version" in sys.argv:
        print("3.1")
        sys.exit(0)
    asked = parser("tool").parse_args()
    print(f"hello {asked.name}")
