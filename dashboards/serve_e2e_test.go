//go:build e2e

package dashboards_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// built is the program under test.
func built(t *testing.T) (bin string) {
	t.Helper()
	bin = filepath.Join(t.TempDir(), "troupe")
	if out, err := exec.Command("go", "build", "-o", bin, "../cmd/troupe").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// A supervisor is a troupe serve.
type supervisor struct {
	t            *testing.T
	target, data string
	control      string // token
}

// serving starts one, which the test's end interrupts.
func serving(t *testing.T, bin string) *supervisor {
	t.Helper()
	s := &supervisor{t: t, target: freePort(t), data: filepath.Join(t.TempDir(), "data")}
	_, port, _ := net.SplitHostPort(s.target)
	// All addresses, where metrics want a token.
	cmd := exec.Command(bin, "serve", "--listen", "0.0.0.0:"+port, "--scenarios", "../scenarios", "--log-level", "error")
	cmd.Env = append(os.Environ(), "TROUPE_DATA="+s.data)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("troupe serve said:\n%s", said.String())
		}
	})
	until(t, "troupe serve is ready", func() bool {
		res, err := http.Get("http://" + s.target + "/readyz")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	token, err := os.ReadFile(s.token("control"))
	if err != nil {
		t.Fatal(err)
	}
	s.control = strings.TrimSpace(string(token))
	return s
}

// token is the file of a role's.
func (s *supervisor) token(role string) string { return filepath.Join(s.data, "tokens", role) }

// submit has a run played.
func (s *supervisor) submit(run map[string]any) {
	s.t.Helper()
	body, err := json.Marshal(run)
	if err != nil {
		s.t.Fatal(err)
	}
	s.ask(http.MethodPost, "/v1/runs", body, http.StatusCreated)
}

// ask makes a request of the API.
func (s *supervisor) ask(method, path string, body []byte, status int) {
	s.t.Helper()
	r, err := http.NewRequest(method, "http://"+s.target+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.control)
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if res.StatusCode != status {
		s.t.Fatalf("%s %s: %s\n%s", method, path, res.Status, text)
	}
}

// live has testdata/live.yaml played.
func (s *supervisor) live() {
	files := map[string]string{}
	for _, name := range []string{"live.yaml", "live.py"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			s.t.Fatal(err)
		}
		files[name] = string(text)
	}
	s.submit(map[string]any{"name": "live", "scenario": "live.yaml", "files": files})
}

// replaying plays a shipped scenario to its end and replays it so slowly that it lasts,
// and says where the metrics of the replay are. The test's end interrupts it.
func replaying(t *testing.T, bin string) (target string) {
	t.Helper()
	env := append(os.Environ(), "TROUPE_DATA="+filepath.Join(t.TempDir(), "data"))
	play := exec.Command(bin, "run", "../scenarios/axelrod.yaml", "--name", "old")
	play.Env = env
	if out, err := play.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(bin, "replay", "old", "--listen", "127.0.0.1:0", "--speed", "0.01")
	cmd.Env = env
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	drained := make(chan struct{})
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		<-drained
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(stderr)
	for target == "" && lines.Scan() {
		if at, ok := strings.CutPrefix(lines.Text(), "metrics: http://"); ok {
			target = strings.TrimSuffix(at, "/metrics")
		}
	}
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, stderr)
	}()
	if target == "" {
		t.Fatal("troupe replay says no address of its metrics")
	}
	return target
}
