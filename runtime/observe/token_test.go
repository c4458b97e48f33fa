package observe

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMakeTokens(t *testing.T) {
	for mode, want := range map[os.FileMode][2]os.FileMode{0o700: {0o700, 0o600}, 0o755: {0o750, 0o640}, 0o710: {0o710, 0o600}} {
		data := t.TempDir()
		if err := os.Chmod(data, mode); err != nil {
			t.Fatal(err)
		}
		first, err := MakeTokens(data)
		if err != nil {
			t.Fatal(err)
		}
		again, err := MakeTokens(data)
		if err != nil || *again != *first {
			t.Errorf("the second start has others: %v", err)
		}
		other, err := MakeTokens(t.TempDir())
		if err != nil || other.values[Observe] == first.values[Observe] || first.values[Observe] == first.values[Control] {
			t.Errorf("they are not each their own: %v", err)
		}
		for path, mode := range map[string]os.FileMode{"": want[0], "observe": want[1], "control": want[1]} {
			st, err := os.Stat(filepath.Join(data, "tokens", path))
			if err != nil || st.Mode().Perm() != mode {
				t.Errorf("tokens/%s: %v, %v; want %v", path, st.Mode(), err, mode)
			}
		}
	}
}

func TestReadTokens(t *testing.T) {
	good, other := strings.Repeat("a", 20), strings.Repeat("b.~", 20)
	for _, c := range []struct{ observe, control, says string }{
		{good, other, ""}, {good + "\n", "", ""}, {"", good, ""},
		{"", "", "cannot find a token in "},
		{good, good, "both are the same"},
		{"short", good, "tokens/observe: it must have 20 to 256 characters"},
		{good, strings.Repeat("x", 257), "tokens/control: it must have 20 to 256 characters"},
		{good, strings.Repeat("x y", 20), "it may have letters, digits and -._~+ alone"},
	} {
		dir := filepath.Join(t.TempDir(), "tokens")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"observe": c.observe, "control": c.control} {
			if text == "" {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		tokens, err := ReadTokens(dir)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v", c, err)
		}
		if err != nil {
			continue
		}
		if tokens.role("") != Anyone || tokens.role("x") != Anyone {
			t.Error("nothing proves a role")
		}
		if c.control == "" && tokens.role(good) != Observe || c.observe == "" && tokens.role(good) != Control {
			t.Errorf("%+v: %q is for %s", c, good, tokens.role(good))
		}
	}
	if (*Tokens)(nil).role("") != Anyone {
		t.Error("without tokens nothing proves a role")
	}
}

func TestLink(t *testing.T) {
	both := &Tokens{values: [3]string{Observe: "look", Control: "steer"}}
	one := &Tokens{values: [3]string{Observe: "look"}}
	for at, want := range map[string]string{
		"127.0.0.1:80": "http://127.0.0.1:80/#token=", "[::]:8080": "http://127.0.0.1:8080/#token=", "0.0.0.0:1": "http://127.0.0.1:1/#token=",
		"[::1]:2": "http://[::1]:2/#token=", "192.0.2.7:3": "http://192.0.2.7:3/#token=",
	} {
		addr, err := net.ResolveTCPAddr("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		if got := Link(addr, both); got != want+"steer" {
			t.Errorf("%s: %s", at, got)
		}
		if got := Link(addr, one); got != want+"look" {
			t.Errorf("%s: %s", at, got)
		}
	}
}
