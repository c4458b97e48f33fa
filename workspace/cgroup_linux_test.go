package workspace

import "testing"

// The directories of a process's control groups are found wherever they are
// mounted, and whatever part of the hierarchy the mount shows.
func TestCgroupDir(t *testing.T) {
	const mixed = `25 20 0:22 / /sys/fs/cgroup rw shared:9 - tmpfs tmpfs rw
30 25 0:27 / /sys/fs/cgroup/memory rw shared:11 - cgroup cgroup rw,memory
31 25 0:28 /docker/abc /sys/fs/cgroup/cpu,pids rw - cgroup cgroup rw,cpu,pids
32 25 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
`
	for _, x := range []struct{ own, mounts, controller, want string }{
		{"4:memory:/a/b\n0::/\n", mixed, "memory", "/sys/fs/cgroup/memory/a/b"},
		{"8:cpu,pids:/docker/abc\n0::/\n", mixed, "pids", "/sys/fs/cgroup/cpu,pids"},
		{"8:cpu,pids:/docker/abc/in\n", mixed, "pids", "/sys/fs/cgroup/cpu,pids/in"},
		{"8:cpu,pids:/\n", mixed, "pids", "/sys/fs/cgroup/cpu,pids"},
		{"0::/user.slice\n", mixed, "", "/sys/fs/cgroup/unified/user.slice"},
		{"0::/user.slice\n", mixed, "memory", ""},
		{"4:memory:/a\n", "", "memory", ""},
	} {
		got, ok := cgroupDir(x.own, x.mounts, x.controller)
		if got != x.want || ok != (x.want != "") {
			t.Errorf("controller %q of %q: %q %v, want %q", x.controller, x.own, got, ok, x.want)
		}
	}
}
