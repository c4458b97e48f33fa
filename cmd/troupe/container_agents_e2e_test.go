//go:build linux && e2e

package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestE2EAgents builds the image for model agents: what they need is there, in
// the versions that the Dockerfile pins, for any user.
func TestE2EAgents(t *testing.T) {
	dockerfile, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	pinned := func(arg string) string {
		m := regexp.MustCompile(`(?m)^ARG ` + arg + `=(.*)$`).FindSubmatch(dockerfile)
		if m == nil {
			t.Fatalf("the Dockerfile does not pin %s", arg)
		}
		return string(m[1])
	}
	image := built(t, "podman", "agents")
	for program, want := range map[string]string{
		"troupe": `version v0\.0\.0-e2e`,
		"claude": "^" + regexp.QuoteMeta(pinned("CLAUDE_CODE_VERSION")) + `\b`,
		"codex":  regexp.QuoteMeta(pinned("CODEX_VERSION")) + "$",
		"node":   `^v(2[2-9]|[3-9]\d)\.`, "npm": `^\d+\.`, "npx": `^\d+\.`, "python3": `Python 3\.`, "git": `git version 2\.`,
	} {
		out, errs, code := podman(t, append(append([]string{"run", "--rm", "--no-healthcheck", "--entrypoint", program},
			walled(volume(t), "--user=1000", "--tmpfs=/tmp", "--env=HOME=/tmp")...), image, "--version")...)
		if code != 0 || !regexp.MustCompile(want).MatchString(strings.TrimSpace(out)) {
			t.Errorf("%s: exit %d, and want %s in\n%s%s", program, code, want, out, errs)
		}
	}
	mainJob(t, image, outside(t), walled(volume(t)))
}
