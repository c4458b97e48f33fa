package workspace

import "strings"

// SystemDirectories are those whose files every process may read and execute,
// whatever the walls.
var SystemDirectories = []string{
	"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr", "/opt", "/nix/store", "/gnu/store", "/snap",
}

// InSystem says whether a path is in one of them, or one of the other places
// that every process may read.
func InSystem(path string) bool {
	for _, dir := range append([]string{"/etc", "/proc", "/sys"}, SystemDirectories...) {
		if within(dir, path) {
			return true
		}
	}
	return false
}

// within says whether a clean path is a directory or below it.
func within(dir, path string) bool {
	return dir == "/" || strings.HasPrefix(path, dir) && (len(path) == len(dir) || path[len(dir)] == '/')
}
