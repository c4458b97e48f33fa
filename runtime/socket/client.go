package socket

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
)

// Variable names the environment variable that names an agent's socket.
const Variable = "TROUPE_SOCKET"

// A Client asks through a socket, for one goroutine.
type Client struct {
	conn net.Conn
	in   *bufio.Reader
}

// Dial connects to the socket of the process that this one is, or is started
// by.
func Dial() (*Client, error) {
	path := os.Getenv(Variable)
	if path == "" {
		return nil, fmt.Errorf("there is no $%s: this is for agents of a run", Variable)
	}
	return DialAt(path)
}

// DialAt connects to a socket by its path.
func DialAt(path string) (*Client, error) {
	c, err := net.Dial("unix", path)
	if err != nil {
		return nil, fmt.Errorf("cannot reach the runtime: %w", err)
	}
	return &Client{c, bufio.NewReaderSize(c, 64<<10)}, nil
}

// Close ends the connection, and with it a lease that it waits for or holds.
func (c *Client) Close() error { return c.conn.Close() }

// Ask asks, and gives the reply. Each is told of the lines that come before it;
// it may be nil where none do. What is refused is an error that wraps ErrRefused,
// with the reply.
func (c *Client) Ask(r *Request, each func(*Reply) error) (*Reply, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // bodies and actions stay as they came
	if err := e.Encode(r); err != nil {
		return nil, err
	}
	if text.Len()-1 > MaxLine {
		return nil, fmt.Errorf("cannot ask this: it takes %d bytes of %d", text.Len()-1, MaxLine)
	}
	_, failed := c.conn.Write(text.Bytes())
	for {
		text, err := c.in.ReadBytes('\n') // though it hung up: it has said why
		if err != nil && failed != nil {
			return nil, fmt.Errorf("cannot ask the runtime: %w", failed)
		}
		if err != nil {
			return nil, fmt.Errorf("the runtime gave no answer: %w", err)
		}
		var reply Reply
		if err := json.Unmarshal(text, &reply); err != nil {
			return nil, fmt.Errorf("the runtime's answer is none: %w", err)
		}
		switch {
		case reply.Error != "":
			return &reply, &refusal{reply.Error}
		case reply.OK:
			return &reply, nil
		case each == nil:
			return nil, errors.New("the runtime's answer is another than was asked for")
		}
		if err := each(&reply); err != nil {
			return nil, err
		}
	}
}

// A refusal says what the runtime has said.
type refusal struct{ why string }

func (e *refusal) Error() string        { return e.why }
func (e *refusal) Is(target error) bool { return target == ErrRefused }
