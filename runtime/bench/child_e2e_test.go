//go:build e2e

package bench

import (
	"context"
	"testing"
)

// TestE2EChildren wants every child there is to be made, so that none of them
// is only ever skipped, and each answers as an agent does.
func TestE2EChildren(t *testing.T) {
	for _, name := range Children() {
		if _, err := newChild(context.Background(), name, t.TempDir()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	TestChildren(t)
}
