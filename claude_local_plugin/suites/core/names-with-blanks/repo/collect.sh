#!/bin/sh
# Copies the .txt files of a folder into another one, and prints how many.
count=0
for file in $(ls $1/*.txt); do
  cp $file $2
  count=$((count + 1))
done
echo $count
