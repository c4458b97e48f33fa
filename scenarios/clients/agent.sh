#!/bin/sh
# Tit for tat in the shell: the lines are regular enough for sed.
field() { printf '%s\n' "$line" | sed -n "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p"; }

while IFS= read -r line; do
	case $line in
	'{"type":"init"'*)
		agent=$(field agent)
		printf '{"type":"ready","agent":"%s"}\n' "$agent"
		;;
	'{"type":"observe"'*)
		move=C
		case $line in *'"last":{"you":"'?'","opponent":"D"'*) move=D ;; esac
		tick=$(printf '%s\n' "$line" | sed 's/^{"type":"observe","agent":"[^"]*","tick":\([0-9]*\).*/\1/')
		printf '{"type":"act","agent":"%s","tick":%s,"action":{"move":"%s"}}\n' "$agent" "$tick" "$move"
		;;
	esac
done
