#!/bin/sh
mkdir -p -- "$2"
count=0
for file in "$1"/*.txt; do
  [ -f "$file" ] || continue
  cp -- "$file" "$2"
  count=$((count + 1))
done
echo "$count"
