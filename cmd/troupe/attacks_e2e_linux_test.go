//go:build linux && e2e

package main

import (
	"path/filepath"
	"testing"

	"github.com/troupe-dev/troupe/workspace"
)

// TestE2EAttacksPython has a hostile agent in Python carry out the attacks on each
// tier.
func TestE2EAttacksPython(t *testing.T) {
	raiders["python"] = "command: [/usr/bin/python3, raider.py]" // where all users reach it
	for _, isolation := range []string{workspace.None, "uid", "landlock", workspace.Auto} {
		t.Run(isolation, func(t *testing.T) {
			s := newSite(t)
			achieved, err := workspace.Survey(isolation, &workspace.Site{Data: filepath.Join(s.dir, "data")})
			if err != nil {
				s.refused(t, isolation, achieved)
				return
			}
			s.raid(t, isolation, "python").check(t, achieved)
		})
	}
}
