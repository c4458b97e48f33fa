//go:build !linux

package confine

// Supported says whether this system can restrict a process.
const Supported = false
