package workspace

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "hold" {
		hold(os.Args[2])
		return
	}
	goleak.VerifyTestMain(m)
}

// hold is another process that holds a data directory until its stdin ends.
func hold(dir string) {
	if _, err := HoldData(dir, Holder{PID: os.Getpid(), Command: "run x.yaml", Since: time.Now()}); err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString("held\n")
	_, _ = os.Stdin.Read(make([]byte, 1))
}

func TestASecondHolderIsTold(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	other := exec.Command(os.Args[0], "hold", dir)
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	_, err = HoldData(dir, Holder{PID: os.Getpid()})
	var held *HeldError
	if !errors.As(err, &held) || held.PID != other.Process.Pid || held.Command != "run x.yaml" {
		t.Errorf("got %v, want a HeldError with pid %d", err, other.Process.Pid)
	}
	_ = in.Close()
	if err := other.Wait(); err != nil {
		t.Fatal(err)
	}
	release, err := HoldData(dir, Holder{PID: os.Getpid()})
	if err != nil {
		t.Fatalf("after the holder's end: %v", err)
	}
	release()
	if _, err := os.Stat(filepath.Join(dir, "lock")); err != nil {
		t.Errorf("the lock file was unlinked: %v", err)
	}
}

func TestAwaitPassesABriefHolder(t *testing.T) {
	dir := t.TempDir()
	release, err := HoldData(dir, Holder{PID: 1, Brief: true})
	if err != nil {
		t.Fatal(err)
	}
	go release()
	release, err = AwaitData(dir, Holder{PID: 2}, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	release()
}

func TestDataDirectoryThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := HoldData(filepath.Join(file, "data"), Holder{}); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("got %v", err)
	}
}

func TestWorkspaceIsHeldAndReset(t *testing.T) {
	run := Run{Dir: t.TempDir()}
	w, err := run.Open("a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Open("a"); err == nil || !strings.Contains(err.Error(), "held by another process") {
		t.Errorf("a second holder got %v", err)
	}
	sub := filepath.Join(w.Work, "sub")
	if err := os.MkdirAll(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(sub, "f"), []byte("x"), 0o400); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(sub, 0o500); err != nil {
		t.Fatal(err)
	}
	if err := w.Reset(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(w.Work); err != nil || len(left) != 0 {
		t.Errorf("after Reset: %v, %v", left, err)
	}
	w.Release()
	again, err := run.Open("a")
	if err != nil {
		t.Fatalf("after Release: %v", err)
	}
	again.Release()
}

func TestInstallChecksTheHash(t *testing.T) {
	run := Run{Dir: t.TempDir()}
	src := filepath.Join(t.TempDir(), "agent.py")
	if err := os.WriteFile(src, []byte("print()\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const sum = "fce17b76a6a95e60a9cf9ee4b41ba17b31bfb2de28b2a27d3d7ba53b9c8bd9d6"
	err := run.Install("a", []Copy{{Source: src, Path: "lib/agent.py", SHA256: sum}})
	if err == nil || !strings.Contains(err.Error(), "it changed since the plan was made") {
		t.Errorf("a wrong hash gave %v", err)
	}
}

func TestUnknownTierNamesTheKnown(t *testing.T) {
	if _, err := Survey("moat", &Site{}); err == nil || !strings.Contains(err.Error(), "auto, landlock, none, strict, uid") {
		t.Errorf("got %v", err)
	}
}
