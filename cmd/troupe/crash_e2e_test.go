//go:build e2e

package main

import "testing"

// TestE2ECrash is TestCrash for longer.
func TestE2ECrash(t *testing.T) {
	crash(t, 20)
}

// TestE2ERealtimeCrash is TestRealtimeCrash for longer.
func TestE2ERealtimeCrash(t *testing.T) {
	realtimeCrash(t, 20, 75)
}
