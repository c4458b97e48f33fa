// Package mcp serves an agent's socket as a server of the Model Context Protocol, by
// which command line tools that talk to models let these use it: what may be asked
// through the socket are tools, the agent's brief and the shared tree resources. It
// keeps nothing and decides nothing: each call is a request through the socket that
// $TROUPE_SOCKET names, in the working directory.
package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/troupe-dev/troupe/runtime/socket"
)

// Name is what the server is called where a tool is told of it.
const Name = "troupe"

// instructions are what every client is told first. They are the same for all
// agents, as the tools are: what a model is asked must not depend on when its tool
// asks for them.
const instructions = `You are an agent of a simulation, one of several. In each turn you observe something and give one action. Hand it in with act, or end your answer with it as you are told. The other tools reach the other agents and the files that all have in common. What you ask for is acknowledged at once and decided when the turn ends; the next observation says what became of it.`

// A Server is one agent's. Its methods may be called concurrently.
type Server struct {
	Agent   string // who asks; empty where the socket knows
	Dir     string // that files of the shared tree are checked out into
	Version string
}

// Serve answers a client until it closes in, or ctx ends. There is an error at once
// where this is no agent's process.
func (s *Server) Serve(ctx context.Context, in io.ReadCloser, out io.WriteCloser) error {
	c, err := socket.Dial()
	if err != nil {
		return err
	}
	if err := c.Close(); err != nil {
		return err
	}
	server := mcp.NewServer(&mcp.Implementation{Name: Name, Version: s.Version}, &mcp.ServerOptions{
		Instructions: instructions,
		Capabilities: &mcp.ServerCapabilities{Tools: &mcp.ToolCapabilities{}, Resources: &mcp.ResourceCapabilities{}},
	})
	for i := range tools {
		s.add(server, &tools[i])
	}
	s.addResources(server)
	err = server.Run(ctx, &mcp.IOTransport{Reader: in, Writer: out, MaxLineLength: socket.MaxLine})
	if errors.Is(err, io.EOF) || ctx.Err() != nil {
		return nil
	}
	return err
}

// add has the server offer a tool. What is refused is told to the model as the
// call's result, so that it can do better.
func (s *Server) add(server *mcp.Server, t *tool) {
	closed := false // it knows the run alone
	server.AddTool(&mcp.Tool{
		Name: t.name, Description: t.description, InputSchema: json.RawMessage(t.schema),
		Annotations: &mcp.ToolAnnotations{ReadOnlyHint: t.reads, OpenWorldHint: &closed},
	}, func(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		text, err := t.call(ctx, s, r.Params.Arguments)
		if err != nil {
			return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: err.Error()}}}, nil
		}
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil
	})
}

// with does something with a connection of its own, which ends with ctx: what waits
// for a lease gives it up then.
func (s *Server) with(ctx context.Context, do func(c *socket.Client) error) error {
	c, err := socket.Dial()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	err = do(c)
	if stop() {
		err = errors.Join(err, c.Close())
	}
	return err
}

// ask asks through the socket. Each is told of the lines before the last.
func (s *Server) ask(ctx context.Context, r *socket.Request, each func(*socket.Reply) error) (reply *socket.Reply, err error) {
	r.Agent = s.Agent
	err = s.with(ctx, func(c *socket.Client) error {
		reply, err = c.Ask(r, each)
		return err
	})
	return reply, err
}

// inCopy does something with the copy of the shared tree that the agent works in.
func (s *Server) inCopy(ctx context.Context, names []string, do func(w *socket.Copy, paths []string) (string, error)) (text string, err error) {
	err = s.with(ctx, func(c *socket.Client) (err error) {
		w, err := socket.OpenCopy(c, s.Dir)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, w.Close()) }()
		w.Agent = s.Agent
		paths, err := w.Paths(s.Dir, names)
		if err != nil {
			return err
		}
		text, err = do(w, paths)
		return err
	})
	return text, err
}

// Here is a server for an agent whose process this is.
func Here(agent, version string) (*Server, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("cannot find the working directory: %w", err)
	}
	return &Server{Agent: agent, Dir: dir, Version: version}, nil
}
