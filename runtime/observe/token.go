package observe

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupe-dev/troupe/workspace"
)

// A Role is what a request over TCP may do.
type Role uint8

// The roles, each of which includes those before it.
const (
	Anyone  Role = iota
	Observe      // look at runs
	Control      // and change them
)

var roleNames = [...]string{"anyone", "observe", "control"}

func (r Role) String() string { return roleNames[r] }

// Tokens are what requests over TCP prove their role by. They do not change
// once they are made; nil ones prove nothing.
type Tokens struct {
	dir    string
	values [len(roleNames)]string // by role; empty for one that nobody has
}

// TokenDir is where the tokens of a data directory lie.
func TokenDir(data string) string { return filepath.Join(data, "tokens") }

// MakeTokens reads the tokens of a data directory that this process holds, and
// makes those that are missing. Their files are for this process's user, and for
// its group where that may read the data directory.
func MakeTokens(data string) (*Tokens, error) {
	dir := TokenDir(data)
	if err := makeTokens(data, dir); err != nil {
		return nil, fmt.Errorf("cannot make the tokens of the API: %w", err)
	}
	return ReadTokens(dir)
}

func makeTokens(data, dir string) error {
	st, err := os.Stat(data)
	if err != nil {
		return err
	}
	group := st.Mode().Perm() & 0o050
	err = os.Mkdir(dir, 0o700)
	if err == nil && group != 0 {
		err = os.Chmod(dir, 0o700|group)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	for r := Observe; r <= Control; r++ {
		path := filepath.Join(dir, r.String())
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		err := workspace.WriteFile(path, true, func(w io.Writer) error {
			_, err := fmt.Fprintln(w, rand.Text())
			return err
		})
		if err == nil && group&0o040 != 0 {
			err = os.Chmod(path, 0o640)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ReadTokens reads the tokens in a directory: the files observe and control, of
// which one may be missing.
func ReadTokens(dir string) (*Tokens, error) {
	t := &Tokens{dir: dir}
	found := false
	for r := Observe; r <= Control; r++ {
		path := filepath.Join(dir, r.String())
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			t.values[r] = strings.TrimSpace(string(text))
			err = checkToken(t.values[r])
		}
		if err != nil {
			return nil, fmt.Errorf("cannot use the token in %s: %w", path, err)
		}
		found = true
	}
	if !found {
		return nil, fmt.Errorf("cannot find a token in %s: it needs a file observe or control, or both", dir)
	}
	if t.values[Observe] == t.values[Control] {
		return nil, fmt.Errorf("cannot use the tokens in %s: both are the same", dir)
	}
	return t, nil
}

// Tokens must be hard to guess, and go into headers, into links and into the name
// of a WebSocket's protocol as they are.
const (
	leastToken = 20
	mostToken  = 256
)

func checkToken(s string) error {
	if len(s) < leastToken || len(s) > mostToken {
		return fmt.Errorf("it must have %d to %d characters", leastToken, mostToken)
	}
	for _, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte("-._~+", c) < 0 {
			return errors.New("it may have letters, digits and -._~+ alone")
		}
	}
	return nil
}

// Link leads a browser on this machine to a listener, with the best token there
// is. What is behind # it keeps to itself.
func Link(at net.Addr, t *Tokens) string {
	host, port, _ := net.SplitHostPort(at.String())
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port) + "/#token=" + cmp.Or(t.values[Control], t.values[Observe])
}

// Secrets are the tokens, by names for them that may be told.
func (t *Tokens) Secrets() map[string]string {
	all := map[string]string{}
	for r := Observe; r <= Control; r++ {
		if t.values[r] != "" {
			all["token "+r.String()] = t.values[r]
		}
	}
	return all
}

// role is the role that a token proves; Anyone for none. It takes as long for a
// wrong one as for one that is nearly right.
func (t *Tokens) role(token string) Role {
	if t == nil {
		return Anyone
	}
	said := sha256.Sum256([]byte(token))
	is := Anyone
	for r := Observe; r <= Control; r++ {
		want := sha256.Sum256([]byte(t.values[r]))
		if subtle.ConstantTimeCompare(said[:], want[:]) == 1 && t.values[r] != "" {
			is = r
		}
	}
	return is
}

// A browser's WebSocket has no headers of its own making: its token is the name
// of a protocol that it offers.
const (
	bearerScheme   = "Bearer "
	bearerProtocol = "bearer."
	protocolHeader = "Sec-Websocket-Protocol"
)

// bearer is the token that a request brings; empty for none.
func bearer(r *http.Request) string {
	if said := r.Header.Get("Authorization"); len(said) >= len(bearerScheme) && strings.EqualFold(said[:len(bearerScheme)], bearerScheme) {
		return strings.TrimSpace(said[len(bearerScheme):])
	}
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return ""
	}
	for _, list := range r.Header.Values(protocolHeader) {
		for p := range strings.SplitSeq(list, ",") {
			if token, ok := strings.CutPrefix(strings.TrimSpace(p), bearerProtocol); ok {
				return token
			}
		}
	}
	return ""
}
