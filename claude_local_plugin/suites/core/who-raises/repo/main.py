import sys

from orders.reading import read

if __name__ == "__main__":
    print(read(open(sys.argv[1]).read()))
