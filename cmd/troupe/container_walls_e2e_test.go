//go:build linux && e2e

package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestE2EContainerWalls has the walls stand in a container that has nothing but
// Docker's default capabilities and system calls, and carries out the attacks on
// them there.
func TestE2EContainerWalls(t *testing.T) {
	image := built(t, "podman", "troupe")
	for user, as := range map[string]struct {
		option    string
		isolation string // that auto achieves
	}{
		"root":     {"--user=0", "uid+landlock"},
		"uid 1000": {"--user=1000", "landlock"},
	} {
		t.Run(user, func(t *testing.T) {
			t.Run("auto", func(t *testing.T) { wallsOf(t, image, as.isolation, walled(volume(t), as.option)) })
			t.Run("strict", func(t *testing.T) {
				_, errs, code := contained(t, image, walled(volume(t), as.option), "run", "scenarios/axelrod.yaml", "--set", "isolation=strict")
				if all := as.isolation == "uid+landlock"; all != (code == exitOK) || !all && (code != exitUsage || !strings.Contains(errs, "uid")) {
					t.Errorf("exit %d\n%s", code, errs)
				}
			})
			t.Run("attacks", func(t *testing.T) { attacked(t, image, as.option) })
		})
	}
}

// wallsOf has a run with isolation auto say what it achieved.
func wallsOf(t *testing.T, image, want string, options []string) {
	out, errs, code := contained(t, image, options, "run", "scenarios/axelrod.yaml", "--set", "isolation=auto")
	if code != exitOK {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	if runs := listed(t, image, options); len(runs) != 1 || runs[0].Isolation != want {
		t.Errorf("the volume has %+v; want a run behind %s", runs, want)
	}
}

// attacked runs TestAttacks in a container, by the test's own binary. It takes
// more memory than troupe does, since its files lie in memory.
func attacked(t *testing.T, image, user string) {
	binary := filepath.Join(t.TempDir(), "troupe.test")
	build := exec.Command("go", "test", "-c", "-o", binary, ".")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build.Args, err, out)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	out, errs, code := podman(t, "run", "--rm", "--no-healthcheck", user,
		"--read-only", "--read-only-tmpfs=false", "--network=none", "--memory=2g", "--pids-limit=512",
		"--tmpfs=/tmp:exec,suid,mode=1777", "--volume="+root+":/src:ro", "--volume="+binary+":/troupe.test:ro",
		"--workdir=/src/cmd/troupe", "--entrypoint=/troupe.test", image, "-test.v", "-test.run=^TestAttacks$")
	if code != 0 || !strings.Contains(out, "--- PASS: TestAttacks ") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}
