//go:build !linux

package main

// hostile attacks nobody where there are no walls.
func hostile([]string) int { return 2 }
