# A hostile agent in sh. Once it is asked, it tries what a shell and the system's
# programs can, and logs what came of it, by the names of workspace.Attacks:
#
#   attack <TAB> what <TAB> how <TAB> done, or stopped: why
#
# Its scenario is written by attacks_linux_test.go.

data=../../../../.. run=../../.. victim=../../victim
programs=$(dirname "$(dirname "$0")")
supervisor=$PPID
tries=0

# try WHAT HOW COMMAND… does it in a shell of its own.
try() {
	what=$1 how=$2
	shift 2
	tries=$((tries + 1))
	if out=$("$@" 2>&1 </dev/null); then
		came=done
	else
		came="stopped: $(echo "$out" | tail -n 1 | tr '\t' ' ')"
	fi
	printf 'attack\t%s\t%s\t%s\n' "$what" "$how" "$came" >&2
}

# left HOW SCRIPT leaves a process behind, which is to be gone after the run.
left() {
	tries=$((tries + 1))
	NAME=1000.$$$tries sh -c "$2" </dev/null >/dev/null 2>&1
	printf 'left\t%s\t%s\t%s\n' 'outlive its run by sessions, double forks or new parents' "$1" "1000.$$$tries" >&2
}

appends() { : >>"$1"; }
overwrites() {
	chmod u+w "$1" 2>/dev/null
	appends "$1"
}
makes() { echo mine >"$1/planted-by-sh" && rm "$1/planted-by-sh"; }
full() { (cd "$(dirname "$0")" && cd / && echo "$(dirname "$programs")/agents/victim/$1"); }

# orphan COMMAND… does it once its parent has ended.
orphan() {
	out=$(sh -c 'setsid sh -c '\''
		while [ "$(cut -d " " -f 4 /proc/$$/stat)" = "$0" ]; do sleep 0.01; done
		"$@" && echo it-is-done'\'' $$ "$@" & exit' sh "$@" 2>&1)
	echo "$out"
	case $out in *it-is-done*) ;; *) return 1 ;; esac
}

link() { ln -sf "$victim/work/secret" by-sh && cat by-sh; }
passage() { ln -sfn "$(full work)" way-by-sh && cat way-by-sh/secret; }
hard() { ln -f "$victim/work/secret" hard-by-sh; }
takes() { mv "$victim/home/secret" taken && mv taken "$victim/home/secret"; }
leaves() { echo gift >gift && mv gift "$victim/work/gift"; }

borrows() { ln -sf "$(full work)/secret" borrowed && troupe commit borrowed; }
commits_through() { ln -sfn "$(full work)" passage && troupe commit passage/secret; }
checks_out_through() {
	ln -sfn "$(full work)" astray && troupe checkout astray/secret
	status=$?
	rm -f astray
	return $status
}

# races commits files of directories that become links to the victim's and back
# all the while.
races() {
	for i in 1 2; do
		mkdir -p race/$i && echo "the raider's own" >race/$i/secret
		: >racing
		while [ -e racing ]; do
			mv race/$i race/$i.aside && ln -s "$(full work)" race/$i && rm race/$i && mv race/$i.aside race/$i
		done 2>/dev/null &
		troupe commit race/$i/secret
		rm racing
		wait
	done
	mkdir -p race/calm && echo "the raider's own" >race/calm/secret && troupe commit race/calm/secret
}

raced() {
	rm -rf race && troupe checkout --force race && grep -q "the raider's own" race/calm/secret || return 0
	grep -rq "the victim's secret" race
}

takes_place() { mv "$0" "$0.old" && mv "$0.old" "$0"; }
tree_link() { ln -s /etc "$run/shared/by-sh" && rm "$run/shared/by-sh"; }
as_another() { TROUPE_AGENT=victim troupe "$@"; }
by_socket() { TROUPE_SOCKET=$victim/socket TROUPE_AGENT=victim troupe "$@"; }
by_socket_orphan() { TROUPE_SOCKET=$victim/socket TROUPE_AGENT=victim orphan troupe send --to victim 1; }
commits() { troupe checkout "$1" --force && echo "the raider's" >"$1" && troupe commit "$1"; }
other_user() { [ "$("$SET_USER" -u)" = "$OTHER_USER" ]; }
controls() { troupe ps --data "$data"; }
descriptors() { [ "$(ls /proc/self/fd | wc -l)" -gt 4 ]; } # 0, 1, 2 and the list's own
connects() { bash -c ": <>/dev/tcp/127.0.0.1/$PORT"; }
datagram() { bash -c "echo x >/dev/udp/127.0.0.1/$UDP"; }

files() {
	what="read another agent's files, home, prompts or log"
	try "$what" 'a file in work' cat $victim/work/secret
	try "$what" 'a file in home' cat $victim/home/secret
	try "$what" 'a file in tmp' cat $victim/tmp/secret
	try "$what" 'the list of work' ls $victim/work
	try "$what" 'the log' cat $victim/stderr.log
	what="write another agent's files, home or log"
	try "$what" 'a file in work' appends $victim/work/secret
	try "$what" 'the log' appends $victim/stderr.log
	try "$what" 'a new file in work' makes $victim/work
	try "$what" 'a new file in home' makes $victim/home
	try "$what" 'a file cut short' truncate -c -s 1 $victim/tmp/secret
	what="change the permissions or times of another agent's files or the run's"
	try "$what" 'chmod of work' chmod 700 $victim/work
	try "$what" 'times of a file' touch -c -d @1 $victim/work/secret
	what="get at another's files by symbolic links, hard links, renaming or .."
	try "$what" 'a symbolic link' link
	try "$what" 'a symbolic link to a directory' passage
	try "$what" 'a hard link' hard
	try "$what" 'taking a file' takes
	try "$what" 'leaving a file' leaves
	try "$what" '/proc/self/root' cat "/proc/self/root$(full work)/secret"
	what="get at another's files by checkout, commit, or what is kept of its own"
	try "$what" 'committing a symbolic link' borrows
	try "$what" 'committing through a link to a directory' commits_through
	try "$what" 'a checkout through a link to a directory' checks_out_through
	what='read files that the plan does not list'
	try "$what" 'a file' cat "$OUTSIDE"
	try "$what" 'a directory' ls "$(dirname "$OUTSIDE")"
	what='write outside its own directories'
	try "$what" 'a directory for all' makes "$COMMON"
	try "$what" 'memory that is shared by name' makes /dev/shm
	try 'see that a file is there, its size and its times' 'a file' stat "$OUTSIDE"
}

of_the_run() {
	what="read or write the run's record, locks, checkpoints and plan"
	try "$what" 'the plan' cat $run/plan.json
	try "$what" 'writing the plan' appends $run/plan.json
	try "$what" "the scenario's copy" ls $run/scenario
	try "$what" 'the locks' cat $run/locks/victim.lock
	try "$what" 'a new file in the run' makes $run
	try "$what" 'a new file among the locks' makes $run/locks
	try "$what" 'the store' ls $data/bus
	what="change the run's copies of programs and templates"
	try "$what" 'writing' overwrites "$0"
	try "$what" 'another in its place' takes_place
	try "$what" 'a new file beside it' makes "$(dirname "$0")"
	try "$what" 'the template of its directory' makes "$(dirname "$0").template"
	try "read the copies of another entry's programs" 'reading' cat "$programs/1-victim/v.txt"
	what='write the shared tree without a commit'
	try "$what" 'a file' overwrites $run/shared/fixed
	try "$what" 'a new file' makes $run/shared
	try "$what" 'a link in it' tree_link
	what='read of the shared tree what the plan keeps from it'
	try "$what" 'a file' cat $run/shared/guarded/secret
	try "$what" 'a directory' ls $run/shared/guarded
	what="ask the runtime in another agent's name, through its own socket"
	try "$what" 'a checkout' as_another checkout --force guarded/secret
	try "$what" 'a message' as_another send --to victim 1
	try "$what" 'a lease' as_another lock fixed
	what="ask the runtime in another agent's name, through that one's socket"
	try "$what" 'a checkout' by_socket checkout --force guarded/secret
	try "$what" 'a message' by_socket send --to victim 1
	try "$what" 'a lease' by_socket lock by-their-socket
	try "$what" 'by an orphan' by_socket_orphan
	what="commit what the plan or another's lease keeps from it"
	try "$what" 'a path of ..' commits ../stolen
	try "$what" 'an absolute path' troupe commit /etc/hostname
	try 'command the supervisor through control.sock' 'asking for the runs' controls
}

of_processes() {
	what='read the environment, memory or descriptors of other processes'
	try "$what" "the victim's environment" cat /proc/$pid/environ
	try "$what" "the supervisor's environment" cat /proc/$supervisor/environ
	try "$what" "the victim's memory" appends /proc/$pid/mem
	try "$what" "the supervisor's memory" appends /proc/$supervisor/mem
	try "$what" "the victim's descriptors" appends /proc/$pid/fd/2
	try "$what" "the supervisor's descriptors" appends /proc/$supervisor/fd/2
	try "$what" "the victim's directory" cat /proc/$pid/cwd/secret
	what='signal other processes'
	try "$what" 'the victim' kill -CONT $pid
	try "$what" "the victim's group" kill -CONT -$pid
	try "$what" 'the supervisor' kill -CONT $supervisor
	try "$what" 'the victim, by an orphan' orphan kill -CONT $pid
	try "get another user's rights by a set-user-ID program" "a program of another user's" other_user
	try 'connect to TCP ports that the plan does not allow' "another's port" connects
	try "use UDP, or MPTCP in TCP's place" 'a datagram' datagram
	try 'use descriptors of the supervisor' 'that were left open' descriptors
	try 'reach the terminal that the run was started from' 'opening it' appends /dev/tty
	try 'see which processes there are, and their commands' "the victim's command" grep -q victim /proc/$pid/cmdline
}

tick_0() {
	for pid in $(cd /proc && ls -d [0-9]*); do
		case $(tr '\0' ' ' <"/proc/$pid/cmdline") in *" victim $programs/"*) break ;; esac
	done 2>/dev/null
	hostile gate "$GATE" begin
	files
	of_the_run
	of_processes
	commits fixed >&2
	races >&2
	hostile gate "$GATE" over
}

# told PATH says whether a commit of it came into the tree.
told() {
	case $line in
	*'"paths":["'$1'"],"error"'*) echo "$line" | grep -o '"paths":\["'$1'"\],"error":"[^"]*"' && return 1 ;;
	esac
}

tick_1() {
	try "commit what the plan or another's lease keeps from it" 'what it may not write' told fixed
	commits leased >&2
	try "get at another's files by checkout, commit, or what is kept of its own" \
		'committing from a directory that becomes a link meanwhile' raced
}

tick_2() {
	try "commit what the plan or another's lease keeps from it" 'what another holds a lease on' told leased
	left 'a session of its own' 'setsid sleep $NAME & exit'
	left 'a double fork' '(setsid sh -c "sleep $NAME & exit" &)'
	left 'another environment and cwd' 'cd /; setsid env -i /bin/sleep $NAME & exit'
	printf 'over\t%d\n' $tries >&2
}

while read -r line; do
	case $line in
	*'"type":"init"'*) echo "{\"type\":\"ready\",\"agent\":\"$TROUPE_AGENT\"}" ;;
	*'"type":"observe"'*)
		tick=${line#*\"tick\":}
		tick=${tick%%,*}
		tick_$tick
		echo "{\"type\":\"act\",\"agent\":\"$TROUPE_AGENT\",\"tick\":$tick,\"action\":{\"say\":\"that was all\"}}"
		;;
	esac
done
