package mcp

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/troupe-dev/troupe/runtime/socket"
)

const (
	briefURI = "troupe://brief"
	treeURI  = "troupe://tree/" // and a file's path
	listed   = "resources/list"
)

// addResources has the server offer the agent's brief, and the files of the shared
// tree: as they were when the agent's turn began, which is why they are looked up
// each time that they are listed.
func (s *Server) addResources(server *mcp.Server) {
	server.AddResource(&mcp.Resource{
		URI: briefURI, Name: "brief", MIMEType: "text/plain",
		Description: "Who you are, in which scenario, and what you were told at the start.",
	}, s.brief)
	server.AddResourceTemplate(&mcp.ResourceTemplate{
		URITemplate: treeURI + "{+path}", Name: "tree",
		Description: "A file of the shared tree, as it was when this turn began.",
	}, s.file)
	server.AddReceivingMiddleware(func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, r mcp.Request) (mcp.Result, error) {
			out, err := next(ctx, method, r)
			if list, ok := out.(*mcp.ListResourcesResult); ok && err == nil && method == listed && list.NextCursor == "" {
				list.Resources = append(list.Resources, s.files(ctx)...)
			}
			return out, err
		}
	})
}

func (s *Server) brief(ctx context.Context, _ *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
	reply, err := s.ask(ctx, &socket.Request{Op: "brief"}, nil)
	if err != nil {
		return nil, err
	}
	b := reply.Brief
	var text strings.Builder
	fmt.Fprintf(&text, "You are the agent %s in the scenario %s.\n", b.Agent, b.Scenario)
	for _, told := range []string{b.System, b.Prompt} {
		if told != "" {
			text.WriteString("\n" + strings.TrimSuffix(told, "\n") + "\n")
		}
	}
	return contents(&mcp.ResourceContents{URI: briefURI, MIMEType: "text/plain", Text: text.String()}), nil
}

func contents(c *mcp.ResourceContents) *mcp.ReadResourceResult {
	return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{c}}
}

// files are those of the tree that the agent may read; none where there is no tree,
// or the agent has no turn.
func (s *Server) files(ctx context.Context) (list []*mcp.Resource) {
	_, err := s.ask(ctx, &socket.Request{Op: "stat", Paths: []string{"."}}, func(r *socket.Reply) error {
		if f := r.File; f != nil && !f.Gone {
			list = append(list, &mcp.Resource{URI: fileURI(f.Path), Name: f.Path, Title: path.Base(f.Path), Size: int64(f.Size)})
		}
		return nil
	})
	if err != nil {
		return nil
	}
	return list
}

func fileURI(name string) string {
	segments := strings.Split(name, "/")
	for i := range segments {
		segments[i] = url.PathEscape(segments[i])
	}
	return treeURI + strings.Join(segments, "/")
}

// file reads one of the tree.
func (s *Server) file(ctx context.Context, r *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
	uri := r.Params.URI
	name, err := url.PathUnescape(strings.TrimPrefix(uri, treeURI))
	if err != nil || name == "." { // which is the whole tree
		return nil, mcp.ResourceNotFoundError(uri)
	}
	var found *socket.File
	_, err = s.ask(ctx, &socket.Request{Op: "checkout", Paths: []string{name}}, func(r *socket.Reply) error {
		if r.File != nil && r.File.Path == name && !r.File.Gone {
			found = r.File
		}
		return nil
	})
	switch {
	case errors.Is(err, socket.ErrRefused):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	case found == nil:
		return nil, mcp.ResourceNotFoundError(uri)
	}
	c := &mcp.ResourceContents{URI: uri}
	if found.Text != nil {
		c.MIMEType, c.Text = "text/plain", *found.Text
	} else {
		c.MIMEType, c.Blob = "application/octet-stream", found.Data
	}
	return contents(c), nil
}
