//go:build !linux

package supervisor

// Elsewhere children have no tags, and what they start is not found.
type (
	tag   uint64
	brand uint64
)

func brandOf(string) brand                      { return 0 }
func (brand) tag(uint64) tag                    { return 0 }
func (tag) put() (off func())                   { return func() {} }
func sweep(*child) (killed int)                 { return 0 }
func sweepRun(brand, map[int]bool) (killed int) { return 0 }
