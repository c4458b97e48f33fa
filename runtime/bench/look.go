package bench

import (
	"context"
	"fmt"
	"os"
	goruntime "runtime"
	"strconv"
	"strings"
	"time"
)

// busy is which share of the processors others may use before figures are not
// to be believed.
const busy = 0.15

// look says what machine this is, and warns if it has other things to do.
func look(ctx context.Context) (Machine, []string) {
	m := Machine{System: goruntime.GOOS + "/" + goruntime.GOARCH, CPUs: goruntime.NumCPU(), Go: goruntime.Version()}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		first, _, _ := strings.Cut(string(text), " ")
		m.Load, _ = strconv.ParseFloat(first, 64) // 0 is what is said where it is not known
	}
	used, all := processorTime()
	select {
	case <-time.After(500 * time.Millisecond):
	case <-ctx.Done():
	}
	usedThen, allThen := processorTime()
	if allThen > all {
		m.Busy = float64(usedThen-used) / float64(allThen-all)
	}
	warnings := []string{}
	if m.Busy > busy {
		warnings = append(warnings, fmt.Sprintf("%.0f%% of the processors were in use before the start: don't believe these figures", 100*m.Busy))
	}
	if m.Load > float64(m.CPUs)/2 {
		warnings = append(warnings, fmt.Sprintf("the load before the start was %.2f with %d processors: the machine may have other things to do", m.Load, m.CPUs))
	}
	return m, warnings
}

// processorTime is what all processors did since the system's start: in use,
// and in all, in hundredths of a second.
func processorTime() (used, all uint64) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	for i, field := range strings.Fields(line) {
		n, err := strconv.ParseUint(field, 10, 64)
		if err != nil || i > 8 { // guests are counted in user already
			continue
		}
		all += n
		if i != 4 && i != 5 { // idle, and waiting for a disk
			used += n
		}
	}
	return used, all
}
