//go:build !linux

package supervisor

import (
	"context"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A watcher is Linux's; elsewhere each pipe has a goroutine.
type watcher struct{}

type reader struct{}

type ask struct {
	p     *resident
	batch []*agent.Observe
}

func newWatchers(*Fleet, int) []*watcher { return nil }

func (*watcher) open(*child, [3]int, handler) (in sink, left func()) { return nil, nil }
func (*watcher) put([]ask)                                           {}
func (*watcher) gather(*resident)                                    {}
func (*watcher) keep(int) bool                                       { return false }
func (*watcher) release(int) bool                                    { return false }
func (*watcher) close()                                              {}
func (*watcher) ring()                                               {}
func (*watcher) resume()                                             {}
func (*watcher) host(context.Context) []agent.Answer                 { return nil }
