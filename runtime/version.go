package runtime

import (
	goruntime "runtime"
	"runtime/debug"

	"github.com/troupe-dev/troupe/runtime/record"
)

// stamp is the version that a build says where it cannot read it from git, as
// one in a container: go build -ldflags "-X …/runtime.stamp=VERSION".
var stamp string

// version is what the build says of itself.
func version() record.Version {
	v := record.Version{Version: "unknown", Go: goruntime.Version(), System: goruntime.GOOS + "/" + goruntime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.Version = info.Main.Version
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Version += " " + s.Value
				v.Revision = s.Value
			case "vcs.modified":
				v.Modified = s.Value == "true"
			}
		}
	}
	if stamp != "" {
		v.Version = stamp
	}
	return v
}

// Version is troupe's version as the build names it.
func Version() string { return version().Version }
