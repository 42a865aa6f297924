# Finds a Python 3.9 or newer and has it run the hook, for the plugin, which cannot know what Python is called here.
#
# Read by any POSIX sh and by the Bash of Git for Windows; only builtins are used until there is no hope left. The hook
# always ends with 0. A Python that is too old, or no Python at all, ends otherwise and has read nothing of the event,
# so the next one gets it.

hook=${0%/*}/claude_local_hook.py
# --ask QUESTION: an answer instead of an event
ask=${2:+$1=$2}
set -f
IFS=:

# try first|last NAME: every program of that name in the ordinary folders, or in those that are better left to the end:
# the shims of version managers, which cost ten times as much, and Windows' aliases, which mostly lead to its shop.
# Folders that are relative to the project are not for us.
try() {
  for folder in $PATH; do
    case $1$folder in
      first/*/shims* | first/*/WindowsApps*) continue ;;
      first/* | last/*/shims* | last/*/WindowsApps*) ;;
      *) continue ;;
    esac
    [ -x "$folder/$2" ] || continue
    # macOS without its developer tools asks to install them whenever this one is started
    [ "$folder" != /usr/bin ] || [ ! -e /usr/bin/xcode-select ] || [ -e /Library/Developer/CommandLineTools ] ||
      [ -e /Applications/Xcode.app ] || continue
    case $2 in
      py) "$folder/$2" -3 -I -S "$hook" ${ask:+"$ask"} && exit 0 ;;
      *) "$folder/$2" -I -S "$hook" ${ask:+"$ask"} && exit 0 ;;
    esac
  done
}

for name in python3 python py python3.14 python3.13 python3.12 python3.11 python3.10 python3.9; do
  try first $name
done
for name in python3 python; do
  try last $name
done

if [ -n "$ask" ]; then
  echo 'claude-local: no Python 3.9 or newer on PATH, so nothing can be said about this session'
  exit 0
fi
echo 'claude-local: no Python 3.9 or newer on PATH, so this session is not looked after' >&2
# standard error is not shown where all is well, and a session must not be troubled: once, in words for the person
case $(head -c 4096 2>/dev/null) in
  *'"hook_event_name":"SessionStart"'*)
    echo '{"systemMessage":"claude-local: no Python 3.9 or newer on PATH: the backend is not checked and nothing is recorded"}'
    ;;
esac
exit 0
