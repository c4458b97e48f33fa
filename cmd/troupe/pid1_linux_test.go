package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// asPID1 makes /proc that of the namespace it was started in, and becomes
// troupe, still as the first process there.
func asPID1(args []string) int {
	err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
	if err == nil {
		err = syscall.Mount("proc", "/proc", "proc", 0, "")
	}
	if err == nil {
		err = syscall.Exec("/proc/self/exe", append([]string{"troupe"}, args...), os.Environ())
	}
	fmt.Fprintln(os.Stderr, "cannot be the first process:", err)
	return 1
}

// The agent orphan leaves a grandchild behind at each tick, and ends with
// status 7 at the second; watcher answers once no dead process is left
// uncollected.
const orphanScript = `
while read -r line; do
	agent=$(echo "$line" | sed 's/.*"agent":"\([a-z]*\)".*/\1/')
	case $line in
	*'"init"'*) echo "{\"type\":\"ready\",\"agent\":\"$agent\"}" ;;
	*'"observe"'*)
		tick=$(echo "$line" | sed 's/.*"tick":\([0-9]*\).*/\1/')
		if [ $agent = orphan ]; then
			(sleep 0 & exec sh -c 'sleep 0 & exit')
			[ $tick = 1 ] && exit 7
		else
			while grep -q '^State:.Z' /proc/[0-9]*/status 2>/dev/null; do :; done
		fi
		echo "{\"type\":\"act\",\"agent\":\"$agent\",\"tick\":$tick,\"action\":{}}"
		;;
	esac
done
`

const orphanScenario = `name: orphans
clock: {deadline: 30s}
world: {kind: conversation, config: {rounds: 4, topic: orphans}}
on_failure: {crash: skip}
agents:
  - {id: orphan, command: [sh, agent.sh]}
  - {id: watcher, command: [sh, agent.sh]}
expect:
  - outcome: {type: action, agent: watcher, equals: 4}
  - outcome: {type: crash, agent: orphan, equals: 1}
`

// TestAsPID1 runs the binary as the first process of a PID namespace, as it is
// in a container: orphans are collected, exit codes are the agents' own.
func TestAsPID1(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"agent.sh": orphanScript, "orphans.yaml": orphanScenario} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("pid1", "run", "--data", filepath.Join(dir, "data"), filepath.Join(dir, "orphans.yaml"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v (namespaces must be allowed here)\n%s", err, out.Bytes())
	}
	// As the first process, without a terminal, it logs.
	if !strings.Contains(out.String(), `"msg":"crashed","run":"orphans-1","agent":"orphan","tick":1,"detail":"exited with status 7`) {
		t.Errorf("the agent's status is not told:\n%s", out.Bytes())
	}
}
