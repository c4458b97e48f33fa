package tree

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what an agent may ask for, in bytes where they count bytes.
const (
	MaxPath    = 1024
	maxSegment = 255
	MaxPaths   = 1000    // of one request
	MaxContent = 8 << 20 // of one change set
	MaxMessage = 4096
)

// Notes is the directory in which whoever checks files out notes what it has.
// The tree cannot have it.
const Notes = ".troupe"

// CheckPath says what is wrong with the name of a file or directory in the
// tree: names are relative, slash-separated, and as short as they can be.
func CheckPath(path string) error {
	why := ""
	switch {
	case path == "":
		why = "a path is empty"
	case len(path) > MaxPath:
		why = fmt.Sprintf("a path has more than %d bytes", MaxPath)
	case !utf8.ValidString(path) || strings.IndexFunc(path, unicode.IsControl) >= 0:
		why = fmt.Sprintf("the path %.80q has characters that no path may have", path)
	case strings.HasPrefix(path, "/"):
		why = fmt.Sprintf("the path %.80q is not relative to the shared tree", path)
	}
	if why != "" {
		return errors.New(why)
	}
	for segment := range strings.SplitSeq(path, "/") {
		switch {
		case segment == "" || segment == "." || segment == "..":
			return fmt.Errorf("a part of the path %.80q is empty, or . or .. itself", path)
		case segment == Notes:
			return fmt.Errorf("the path %.80q is in %s, which the tree does not have", path, Notes)
		case len(segment) > maxSegment:
			return fmt.Errorf("the path %.80q has a part of more than %d bytes", path, maxSegment)
		}
	}
	return nil
}

// CheckChanges says what is wrong with a change set by itself. Its changes are
// in the order of their paths.
func CheckChanges(changes []Change) error {
	if len(changes) == 0 {
		return errors.New("the change set is empty")
	}
	if len(changes) > MaxPaths {
		return fmt.Errorf("a change set may have %d paths, this one has %d", MaxPaths, len(changes))
	}
	size := 0
	for i := range changes {
		if err := CheckPath(changes[i].Path); err != nil {
			return err
		}
		if i > 0 && changes[i-1].Path == changes[i].Path {
			return fmt.Errorf("the change set has %s twice", changes[i].Path)
		}
		if changes[i].Delete && changes[i].Base == None {
			return fmt.Errorf("%s is to be deleted and did not exist", changes[i].Path)
		}
		size += len(changes[i].Content)
	}
	if size > MaxContent {
		return fmt.Errorf("a change set may have %d bytes, this one has %d", MaxContent, size)
	}
	return nil
}
