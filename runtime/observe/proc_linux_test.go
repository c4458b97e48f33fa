package observe

import (
	"os"
	"os/exec"
	"testing"
)

// This process and a child of it, as the system tells it.
func TestReadProcs(t *testing.T) {
	child := exec.Command("cat")
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = in.Close()
		_ = child.Wait()
	}()
	all, err := readProcs("/proc")
	if err != nil {
		t.Fatal(err)
	}
	of := trees(all, func(pid int) bool { return pid == os.Getpid() })
	found := 0
	for i := range all {
		switch all[i].pid {
		case os.Getpid():
			if all[i].memory == 0 || all[i].start == 0 || of[i] != os.Getpid() {
				t.Errorf("this process: %+v of %d", all[i], of[i])
			}
			found++
		case child.Process.Pid:
			if all[i].parent != os.Getpid() || of[i] != os.Getpid() {
				t.Errorf("its child: %+v of %d", all[i], of[i])
			}
			found++
		}
	}
	if found != 2 {
		t.Errorf("found %d of 2 processes among %d", found, len(all))
	}
}
