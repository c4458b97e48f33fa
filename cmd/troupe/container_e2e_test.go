//go:build linux && e2e

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// podman runs podman and gives what it printed and its exit code.
func podman(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "podman", args...)
	cmd.Dir = "../.." // the context of builds
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) {
		t.Fatalf("podman %v: %v", args, err)
	}
	code = cmd.ProcessState.ExitCode()
	if code == 125 { // podman's own failure
		t.Fatalf("podman %v: %s", args, errs.Bytes())
	}
	return out.String(), errs.String(), code
}

// built builds a target of the Dockerfile and names the image. On which images
// it builds is what TROUPE_BUILD_ARGS says, else the Dockerfile's own choice.
func built(t *testing.T, builder, target string) string {
	t.Helper()
	image := "localhost/troupe-e2e/" + target
	args := []string{"build", "--layers", "--format", "docker", "--build-arg", "VERSION=v0.0.0-e2e", "--target", target, "--tag", image}
	args = append(append(args, strings.Fields(os.Getenv("TROUPE_BUILD_ARGS"))...), ".")
	cmd := exec.Command(builder, args...)
	cmd.Dir = "../.."
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", builder, args, err, out)
	}
	return image
}

// walled is a container as it should be run: what it needs beyond its volume
// is nothing.
func walled(volume string, more ...string) []string {
	return append([]string{
		"--read-only", "--read-only-tmpfs=false", "--network=none", "--memory=512m", "--pids-limit=256",
		"--volume", volume + ":/data",
	}, more...)
}

// volume makes a volume for one test.
func volume(t *testing.T) string {
	t.Helper()
	out, errs, code := podman(t, "volume", "create")
	if code != 0 {
		t.Fatal(errs)
	}
	name := strings.TrimSpace(out)
	t.Cleanup(func() {
		if _, errs, code := podman(t, "volume", "rm", "--force", name); code != 0 {
			t.Error(errs)
		}
	})
	return name
}

// contained runs troupe in a container until it ends.
func contained(t *testing.T, image string, options []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	all := append([]string{"run", "--rm", "--no-healthcheck"}, options...)
	return podman(t, append(append(all, image), args...)...)
}

// mounted writes files to a folder and gives the option by which a container
// has them, read-only, in /work.
func mounted(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
		if err := os.Chmod(filepath.Join(dir, name), 0o644); err != nil { // for any user
			t.Fatal(err)
		}
	}
	return "--volume=" + dir + ":/work:ro"
}
