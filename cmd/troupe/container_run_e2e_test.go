//go:build linux && e2e

package main

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/observe"
)

// users are those that the container is run as, with the arguments that say so.
var users = map[string][]string{
	"root":                      nil,
	"root without capabilities": {"--cap-drop=all"},
	"uid 1000":                  {"--user=1000"},
	"uid 1000 of its own group": {"--user=1000:1000"},
	"any uid":                   {"--user=4711"},
}

// TestE2EContainer builds the image and uses it as the README says.
func TestE2EContainer(t *testing.T) {
	image := built(t, "podman", "troupe")
	t.Run("buildah", func(t *testing.T) { built(t, "buildah", "troupe") })
	if out, _, _ := contained(t, image, nil, "--version"); out != "troupe version v0.0.0-e2e\n" {
		t.Errorf("says it is %q", out)
	}
	hash := outside(t)
	t.Run("default command", func(t *testing.T) { serves(t, image, hash, walled(volume(t))) })
	t.Run("default command as uid 1000", func(t *testing.T) { serves(t, image, hash, walled(volume(t), "--user=1000")) })
	for user, as := range users {
		t.Run(user, func(t *testing.T) {
			t.Run("the main job", func(t *testing.T) { mainJob(t, image, hash, walled(volume(t), as...)) })
			t.Run("orphans", func(t *testing.T) { orphans(t, image, walled(volume(t), as...)) })
		})
	}
	t.Run("the README's line", func(t *testing.T) { readmeLine(t, image, hash) })
	t.Run("exit codes", func(t *testing.T) { exitCodes(t, image) })
	t.Run("stop", func(t *testing.T) { stopInTime(t, image, walled(volume(t))) })
	t.Run("stop as uid 1000", func(t *testing.T) { stopInTime(t, image, walled(volume(t), "--user=1000")) })
}

// outside is the hash that Axelrod's tournament has without a container.
func outside(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("troupe", "run", "--json", "--data", t.TempDir(), "../../scenarios/axelrod.yaml").Output()
	if err != nil {
		t.Fatal(err)
	}
	var run struct{ Hash string }
	if err := json.Unmarshal(out, &run); err != nil {
		t.Fatal(err)
	}
	return run.Hash
}

// serves has the default command play what is submitted to it, and ends it.
func serves(t *testing.T, image, hash string, options []string) {
	out, _, _ := podman(t, append(append([]string{"run", "--detach", "--no-healthcheck"}, options...), image)...)
	id := strings.TrimSpace(out)
	t.Cleanup(func() { podman(t, "rm", "--force", id) })
	out, errs, code := podman(t, "exec", id, "troupe", "run", "--submit", "scenarios/axelrod.yaml")
	if code != exitOK || !strings.Contains(out, "hash "+hash+"\n") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if _, errs, code := podman(t, "stop", id); code != 0 {
		t.Fatal(errs)
	}
	out, _, _ = podman(t, "inspect", "--format", "{{.State.ExitCode}}", id)
	logs, errs, _ := podman(t, "logs", id)
	if code := strings.TrimSpace(out); code != "0" {
		t.Errorf("exit %s\n%s%s", code, logs, errs)
	}
	if !strings.Contains(errs, `"msg":"ended","run":"axelrod-1","status":"finished"`) || strings.Contains(errs, "token=") {
		t.Errorf("it logs\n%s", errs)
	}
	if runs := listed(t, image, options); len(runs) != 1 || runs[0].Status != observe.Finished || runs[0].Hash != hash {
		t.Errorf("the volume has %+v", runs)
	}
}

func mainJob(t *testing.T, image, hash string, options []string) {
	out, errs, code := contained(t, image, options, "run", "/usr/local/share/troupe/scenarios/axelrod.yaml")
	for _, want := range []string{"  1             tit-for-tat  3597\n", "all 10 expectations hold\n", "hash " + hash + "\n"} {
		if code != exitOK || !strings.Contains(out, want) {
			t.Fatalf("exit %d, and want %q in\n%s%s", code, want, out, errs)
		}
	}
	if runs := listed(t, image, options); len(runs) != 1 || runs[0].Status != observe.Finished || runs[0].Hash != hash {
		t.Errorf("the volume has %+v", runs)
	}
}

// readmeLine does what the README says to type, with volume, port and key. The
// network is the host's, where podman needs no privileges for a port.
func readmeLine(t *testing.T, image, hash string) {
	_, blocks := readme(t)
	for _, b := range blocks {
		for line := range strings.Lines(b.text) {
			words, ok := strings.CutPrefix(line, "$ docker run ")
			if !ok {
				continue
			}
			words = strings.NewReplacer("troupe:/data", volume(t)+":/data", " troupe run ", " "+image+" run ").Replace(words)
			out, errs, code := podman(t, append([]string{"run", "--no-healthcheck", "--network=host"}, strings.Fields(words)...)...)
			if code != exitOK || !strings.Contains(out, "hash "+hash) || !strings.Contains(errs, `:9464"}`) {
				t.Errorf("exit %d\n%s%s", code, out, errs)
			}
			return
		}
	}
	t.Error("the README has no docker run line")
}

// orphans runs agents that leave processes behind; one of them answers only
// once no dead process is left uncollected.
func orphans(t *testing.T, image string, options []string) {
	files := mounted(t, map[string]string{"agent.sh": orphanScript, "orphans.yaml": orphanScenario})
	out, errs, code := contained(t, image, append(options, files), "run", "/work/orphans.yaml")
	if code != exitOK || !strings.Contains(errs, `"agent":"orphan","tick":1,"detail":"exited with status 7`) {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

func exitCodes(t *testing.T, image string) {
	const scenario = `name: talk
world: {kind: conversation, config: {rounds: 1, topic: codes}}
agents:
  - {id: a, command: [troupe, bot, echo]}
expect: [{ticks: {equals: 1}}]
`
	files := mounted(t, map[string]string{
		"0.yaml": scenario,
		"1.yaml": strings.Replace(scenario, "[troupe, bot, echo]}", "[sh, -c, exit], on_failure: {crash: abort}}", 1),
		"2.yaml": strings.Replace(scenario, "agents", "agnets", 1),
		"3.yaml": strings.Replace(scenario, "equals: 1", "equals: 2", 1),
	})
	for name, want := range map[string]int{"0.yaml": exitOK, "1.yaml": exitFailed, "2.yaml": exitUsage, "3.yaml": exitMissed} {
		out, errs, code := contained(t, image, walled(volume(t), files), "run", "/work/"+name)
		if code != want {
			t.Errorf("%s: exit %d, want %d\n%s%s", name, code, want, out, errs)
		}
	}
}

// listed is the runs of a volume, as another container of it sees them.
func listed(t *testing.T, image string, options []string) (runs []observe.Run) {
	t.Helper()
	out, errs, code := contained(t, image, options, "ps", "--json")
	if err := json.Unmarshal([]byte(out), &runs); code != exitOK || err != nil {
		t.Errorf("ps: exit %d, %v\n%s%s", code, err, out, errs)
	}
	return runs
}
