//go:build !linux

package supervisor

import "syscall"

// freeze stops all processes of a group; thaw lets them go on. Whether they have
// stopped already is not known here.
func freeze(group int) (thaw func(), err error) {
	_ = syscall.Kill(-group, syscall.SIGSTOP) // who is gone writes nothing
	return func() { _ = syscall.Kill(-group, syscall.SIGCONT) }, nil
}
