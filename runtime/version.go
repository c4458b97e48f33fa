package runtime

import (
	goruntime "runtime"
	"runtime/debug"

	"github.com/troupe-dev/troupe/runtime/record"
)

// version is what the build says of itself.
func version() record.Version {
	v := record.Version{Version: "unknown", Go: goruntime.Version(), System: goruntime.GOOS + "/" + goruntime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.Version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v.Version += " " + s.Value
			}
		}
	}
	return v
}

// Version is troupe's version as the build names it.
func Version() string { return version().Version }
