package bench

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// treeMemory is what a process and all of its descendants have resident that is no
// file's, in bytes. What one is handed by another that ends counts where the kernel
// hands it on to.
func treeMemory(root int) (sum int64) {
	entries, _ := os.ReadDir("/proc")
	parents, memory := map[int]int{}, map[int]int64{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile("/proc/" + e.Name() + "/status")
		if err != nil {
			continue // it has ended
		}
		parents[pid] = int(numberAt(text, "PPid:"))
		memory[pid] = (numberAt(text, "RssAnon:") + numberAt(text, "RssShmem:")) << 10
	}
	for pid := range parents {
		at := pid
		for range 100 { // pids may be given anew while we look
			if at == root || at <= 1 {
				break
			}
			at = parents[at]
		}
		if at == root {
			sum += memory[pid]
		}
	}
	return sum
}

// numberAt is the number behind a name at a line's start; 0 where there is none.
func numberAt(text []byte, name string) int64 {
	_, rest, _ := bytes.Cut(text, []byte("\n"+name))
	fields := bytes.Fields(rest[:min(len(rest), 40)])
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(string(fields[0]), 10, 64)
	return n
}

// memoryLeft is how much memory processes of ours may still take, in bytes: what
// the system has, or less where a control group above us has less.
func memoryLeft() int64 {
	text, _ := os.ReadFile("/proc/meminfo")
	left := numberAt(text, "MemAvailable:") << 10
	groups, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(groups)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		switch f[1] {
		case "":
			left = min(left, groupLeft("/sys/fs/cgroup", f[2], "memory.max", "memory.current", "inactive_file", left))
		case "memory":
			left = min(left, groupLeft("/sys/fs/cgroup/memory", f[2], "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file", left))
		}
	}
	return left
}

// groupLeft is the least that a group and those above it have left. In a container
// the group's own path may not be there, and its root is the container's.
func groupLeft(root, below, most, used, cache string, left int64) int64 {
	read := func(dir, file string) (int64, bool) {
		text, err := os.ReadFile(filepath.Join(dir, file)) //nolint:gosec // the kernel's
		if err != nil {
			return 0, false
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		return n, err == nil // max is no number
	}
	for {
		dir := filepath.Join(root, below)
		limit, limited := read(dir, most)
		if now, ok := read(dir, used); ok && limited {
			stat, _ := os.ReadFile(filepath.Join(dir, "memory.stat")) //nolint:gosec // the same
			left = min(left, max(limit-now+numberAt(append([]byte("\n"), stat...), cache+" "), 0))
		}
		if below == "/" || below == "." || below == "" {
			return left
		}
		below = filepath.Dir(below)
	}
}
