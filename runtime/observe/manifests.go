package observe

import (
	"os"
	"sync"
	"time"

	"github.com/troupe-dev/troupe/runtime/record"
)

// manifests are those that were read last: the plan of a run of many agents takes
// long to read, and most questions need it. The zero value is ready; it may be
// used concurrently.
type manifests struct {
	mu   sync.Mutex
	read []readManifest // the newest asked for last
}

// A readManifest is one as it was read from a file, which never changes.
type readManifest struct {
	path     string
	file     os.FileInfo
	manifest *record.Manifest
}

// mostManifests is how many are kept at most, and mostManifestBytes how long the
// files of those that are kept may be together, but for the newest.
const (
	mostManifests     = 16
	mostManifestBytes = 32 << 20
)

// get reads a manifest, or finds it. Nobody may change it.
func (c *manifests) get(path string) (*record.Manifest, error) {
	st, err := os.Stat(path)
	if err != nil {
		return record.ReadManifest(path) // for its error
	}
	if m := c.find(path, st); m != nil {
		return m, nil
	}
	m, err := record.ReadManifest(path)
	if err != nil {
		return nil, err
	}
	c.keep(readManifest{path, st, m})
	return m, nil
}

// find gives the manifest of a file that is still the same.
func (c *manifests) find(path string, st os.FileInfo) *record.Manifest {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, r := range c.read {
		if r.path == path && os.SameFile(r.file, st) && r.file.ModTime().Equal(st.ModTime()) && r.file.Size() == st.Size() {
			c.read = append(append(c.read[:i:i], c.read[i+1:]...), r)
			return r.manifest
		}
	}
	return nil
}

func (c *manifests) keep(r readManifest) {
	if time.Since(r.file.ModTime()) < time.Second {
		return // another one of the same time could take its place
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := []readManifest{r}
	size := int64(0)
	for i := len(c.read) - 1; i >= 0 && len(kept) < mostManifests; i-- {
		x := c.read[i]
		if size += x.file.Size(); size > mostManifestBytes {
			break
		}
		if x.path != r.path {
			kept = append([]readManifest{x}, kept...)
		}
	}
	c.read = kept
}
