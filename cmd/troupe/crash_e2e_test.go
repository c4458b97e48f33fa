//go:build e2e

package main

import "testing"

// TestE2ECrash is TestCrash for longer.
func TestE2ECrash(t *testing.T) {
	crash(t, 50)
}

// TestE2ELifecycles is TestLifecycles with more kills.
func TestE2ELifecycles(t *testing.T) {
	eachLifecycle(t, 2)
}

// TestE2ERealtimeCrash is TestRealtimeCrash for longer.
func TestE2ERealtimeCrash(t *testing.T) {
	realtimeCrash(t, 40, 150)
}
