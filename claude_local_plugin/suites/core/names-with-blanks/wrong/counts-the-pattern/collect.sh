#!/bin/sh
if [ ! -d "$1" ]; then
  echo "no folder" >&2
  exit 1
fi
mkdir -p -- "$2"
count=0
for file in "$1"/*.txt; do
  cp -- "$file" "$2" 2>/dev/null
  count=$((count + 1))
done
echo "$count"
