#!/bin/sh
# Copies the .txt files of a folder into another one, and prints how many.
if [ ! -d "$1" ]; then
  echo "$1 is no folder" >&2
  exit 1
fi
mkdir -p -- "$2" || exit 1
count=0
for file in "$1"/*.txt; do
  [ -f "$file" ] || continue
  cp -- "$file" "$2" || exit 1
  count=$((count + 1))
done
echo "$count"
