//go:build e2e

package main

import "testing"

// TestE2ESharedLoad is TestSharedLoad as large as it is meant to be.
func TestE2ESharedLoad(t *testing.T) {
	t.Parallel()
	sharedLoad(t, 64, 10_000, 18)
}
