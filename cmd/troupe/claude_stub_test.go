package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// claudeStub stands for Claude Code where a test is about Troupe: it speaks
// the tool's stream as version 2.1.331 does, and no model is behind it. What it
// does with each message is a word of one of two variables of its environment,
// whose last word goes on for ever:
//
//	TURNS   a word for each message of the session, whatever process it is in
//	TICKS   a word for each tick, as the default message tells it
//
// Words are those of claudeTurns, or x of a variable DO_x, which names a script of sh:
// what that says is the answer, or one of claudeTurns after it. Any other is a move. Of two with a colon
// between them the first is for the first time that the turn is had: what the
// stub remembers goes back with its files. It writes its arguments,
// its environment and all that it is told into its home; the last is the session
// that --resume finds.
func claudeStub(args []string) int {
	if slices.Equal(args, []string{"--version"}) {
		fmt.Println("2.1.331 (Claude Code)")
		return 0
	}
	c, err := newClaudeStub(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for lines := json.NewDecoder(os.Stdin); ; {
		var in struct {
			Type    string
			Message struct{ Role, Content string }
		}
		if err := lines.Decode(&in); err != nil {
			if os.Getenv("STAYS") != "" {
				return faults["stay"](nil)
			}
			return 0
		}
		if in.Type != "user" || in.Message.Role != "user" {
			fmt.Fprintln(os.Stderr, "want a user message, got", in.Type, in.Message.Role)
			return 1
		}
		c.turn(in.Message.Content)
	}
}

// A stubSession is a conversation with the stub.
type stubSession struct {
	ID       string
	Messages []string
	cost     float64 // of this process, as the tool counts it
	entries  int     // of its answers by this process
	late     bool    // its entries are not written any more
	file     string  // empty where nothing is kept
	args     []string
	key      string
}

// newClaudeStub begins a session, or goes on with one.
func newClaudeStub(args []string) (*stubSession, error) {
	home := filepath.Join(os.Getenv("HOME"), ".claude")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	starts, _ := filepath.Glob(filepath.Join(home, "argv.*"))
	argv := filepath.Join(home, fmt.Sprintf("argv.%d", len(starts)+1))
	for file, lines := range map[string][]string{argv: args, filepath.Join(home, "environ"): os.Environ()} {
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			return nil, err
		}
	}
	c := &stubSession{args: args}
	if err := c.readKey(); err != nil {
		return nil, err
	}
	if resumed := c.flag("--resume"); resumed != "" {
		c.file = filepath.Join(home, resumed+".session")
		text, err := os.ReadFile(c.file)
		if err != nil {
			return nil, fmt.Errorf("No conversation found with session ID: %s", resumed)
		}
		return c, json.Unmarshal(text, c)
	}
	c.ID = fmt.Sprintf("session-%s-%d", os.Getenv("TROUPE_AGENT"), len(starts)+1)
	if !slices.Contains(args, "--no-session-persistence") {
		c.file = filepath.Join(home, c.ID+".session")
	}
	return c, nil
}

// readKey takes the key as the tool does: from the descriptor, to its end, or
// from the environment.
func (c *stubSession) readKey() error {
	c.key = os.Getenv("ANTHROPIC_AUTH_TOKEN")
	for _, name := range []string{"CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR", "CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR"} {
		fd, err := strconv.Atoi(os.Getenv(name))
		if err != nil {
			continue
		}
		text, err := io.ReadAll(os.NewFile(uintptr(fd), "key"))
		if err != nil {
			return fmt.Errorf("cannot read the key from descriptor %d: %w", fd, err)
		}
		c.key = strings.TrimSpace(string(text))
	}
	if c.key == "" {
		return fmt.Errorf("Invalid API key · Please run /login")
	}
	return nil
}

// flag is the value of a flag, empty where it is not given.
func (c *stubSession) flag(name string) string {
	if i := slices.Index(c.args, name); i >= 0 && i+1 < len(c.args) {
		return c.args[i+1]
	}
	return ""
}

var messageTick = regexp.MustCompile(`^Tick (\d+)\.`)

// turn takes a message. It is part of the session before anything is done
// about it: who dies of one is not asked the same word again.
func (c *stubSession) turn(message string) {
	c.Messages = append(c.Messages, message)
	c.save()
	words, at := strings.Fields(os.Getenv("TURNS")), len(c.Messages)-1
	if ticks := strings.Fields(os.Getenv("TICKS")); len(ticks) > 0 {
		words, at = ticks, 0
		if m := messageTick.FindStringSubmatch(message); m != nil {
			at, _ = strconv.Atoi(m[1])
		}
	}
	word := "C"
	if len(words) > 0 {
		word = words[min(at, len(words)-1)]
	}
	if first, then, both := strings.Cut(word, ":"); both {
		if word = first; !once(fmt.Sprintf("turn-%d", at)) {
			word = then
		}
	}
	say(`{"type":"system","subtype":"init","session_id":%q,"model":%q,"tools":[]}`, c.ID, c.model())
	if script := os.Getenv("DO_" + word); script != "" {
		c.does(script)
		return
	}
	if do, known := claudeTurns[word]; known {
		do(c)
		return
	}
	c.answer(fmt.Sprintf(`I think. {"action":{"move":%q}}`, word))
}

// does runs a script, as a model may have its tool do, and answers what it says.
func (c *stubSession) does(script string) {
	sh := exec.Command("sh", script)
	sh.Stderr = os.Stderr
	sh.Env = append(os.Environ(), "MCP_CONFIG="+c.flag("--mcp-config"))
	out, err := sh.Output()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if then := claudeTurns[strings.TrimSpace(string(out))]; then != nil {
		then(c)
		return
	}
	c.answer(string(out))
}

func (c *stubSession) save() {
	if c.file == "" {
		return
	}
	text, err := json.Marshal(c)
	if err == nil {
		err = os.WriteFile(c.file, text, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func (c *stubSession) model() string {
	if m := c.flag("--model"); m != "" {
		return m
	}
	return "claude-sonnet-5-5"
}
