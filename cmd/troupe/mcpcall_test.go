package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// mcpCall is a client of troupe mcp, as the official SDK has it, for agents of
// scripts: each pair of arguments is a tool and what it is called with, and what
// comes of it is printed in a line. In place of a tool there are
//
//	tools -        names of all
//	resources -    their URIs
//	read URI       what one holds
//	at-once LIST   calls at the same time: a JSON list of {name, arguments}
//
// The server is the one that the file in $MCP_CONFIG names, as Claude Code reads it;
// without one it is troupe mcp.
func mcpCall(args []string) int {
	session, err := mcpConnect()
	if err != nil {
		fmt.Println("cannot connect:", err)
		return 1
	}
	for ; len(args) >= 2 && err == nil; args = args[2:] {
		err = mcpDo(session, args[0], args[1])
	}
	if err = errors.Join(err, session.Close()); err != nil {
		fmt.Println("failed:", err)
		return 1
	}
	return 0
}

func mcpConnect() (*mcp.ClientSession, error) {
	var config struct {
		Servers map[string]struct {
			Command string
			Args    []string
			Env     map[string]string
		} `json:"mcpServers"`
	}
	server := exec.Command("troupe", "mcp")
	if file := os.Getenv("MCP_CONFIG"); file != "" {
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &config)
		}
		if err != nil {
			return nil, err
		}
		s := config.Servers["troupe"]
		server = exec.Command(s.Command, s.Args...)
		for name, value := range s.Env {
			server.Env = append(server.Environ(), name+"="+value)
		}
	}
	server.Stderr = os.Stderr
	client := mcp.NewClient(&mcp.Implementation{Name: "mcpcall", Version: "1"}, nil)
	return client.Connect(context.Background(), &mcp.CommandTransport{Command: server}, nil)
}

func mcpDo(s *mcp.ClientSession, what, with string) error {
	ctx := context.Background()
	switch what {
	case "tools":
		for t, err := range s.Tools(ctx, nil) {
			if err != nil {
				return err
			}
			fmt.Println(t.Name)
		}
	case "resources":
		for r, err := range s.Resources(ctx, nil) {
			if err != nil {
				return err
			}
			fmt.Println(r.URI)
		}
	case "read":
		out, err := s.ReadResource(ctx, &mcp.ReadResourceParams{URI: with})
		if err != nil {
			fmt.Println("error:", err)
			return nil
		}
		for _, c := range out.Contents {
			fmt.Printf("%s%s\n", c.Text, c.Blob)
		}
	case "at-once":
		var list []*mcp.CallToolParams
		if err := json.Unmarshal([]byte(with), &list); err != nil {
			return err
		}
		errs := make([]error, len(list))
		var wg sync.WaitGroup
		for i, p := range list {
			wg.Go(func() { errs[i] = mcpTool(s, p) })
		}
		wg.Wait()
		return errors.Join(errs...)
	default:
		return mcpTool(s, &mcp.CallToolParams{Name: what, Arguments: json.RawMessage(with)})
	}
	return nil
}

func mcpTool(s *mcp.ClientSession, p *mcp.CallToolParams) error {
	out, err := s.CallTool(context.Background(), p)
	if err != nil {
		return err
	}
	var text strings.Builder
	if out.IsError {
		text.WriteString("error: ")
	}
	for _, c := range out.Content {
		if t, ok := c.(*mcp.TextContent); ok {
			text.WriteString(t.Text)
		}
	}
	fmt.Println(text.String())
	return nil
}
