package supervisor

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/troupe-dev/troupe/workspace"
)

// mostOutput is how much of what a program writes Output gives.
const mostOutput = 64 << 10

// outputs counts the calls of Output, so that no two have the same tags.
var outputs atomic.Int64

// Output runs a program that is no part of a run to its end, and gives the
// beginning of what it wrote to stdout and stderr, in the order in which that
// came. It is killed, with its process group, when ctx is done. The command's
// first word is an absolute path; its stdin is empty. A program that does not
// exit with status 0 is an error, beside what it wrote. It may be called concurrently, also while
// fleets run.
func Output(ctx context.Context, argv, env []string, dir string) ([]byte, error) {
	sealFiles()
	release := holdReaper()
	defer release()
	s := newStarter(filepath.Join("output", strconv.FormatInt(outputs.Add(1), 10)))
	defer s.close()
	var mu sync.Mutex
	var out []byte
	take := func(chunk []byte) {
		mu.Lock()
		defer mu.Unlock()
		out = append(out, chunk[:min(len(chunk), mostOutput-len(out))]...)
	}
	c, err := s.spawn(launch{Command: workspace.Command{Argv: argv, Env: env, Dir: dir}}, pumped{}, handler{
		stdout: take, ended: func() {}, stderr: take, gone: func(*child) {},
	})
	if err != nil {
		return nil, err
	}
	c.in.finish()
	select {
	case <-c.gone:
	case <-ctx.Done():
		killGroup(c)
		<-c.gone
		sweep(c)
		return nil, ctx.Err()
	}
	killGroup(c)
	sweep(c)
	if st := c.status; !st.Exited() || st.ExitStatus() != 0 {
		return out, errors.New(exitText(st))
	}
	return out, nil
}
