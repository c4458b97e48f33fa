//go:build !linux

package bench

// treeMemory and memoryLeft are not known here.
func treeMemory(int) int64 { return 0 }

func memoryLeft() int64 { return 0 }
