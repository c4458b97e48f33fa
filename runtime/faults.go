package runtime

import (
	"os"
	"syscall"

	"github.com/troupe-dev/troupe/runtime/engine"
	"github.com/troupe-dev/troupe/runtime/record"
)

// faults gives the loop what faults of processes need: the file that remembers
// which have fired, and the death of this process.
func (r *run) faults(cfg *engine.Config) error {
	if !engine.Strikes(r.plan) {
		return nil
	}
	fired, err := record.OpenFirings(r.dir.Faults())
	if err != nil {
		return err
	}
	r.onStop(func() { _ = fired.Close() }) // what is in it is synced
	cfg.Ledger, cfg.Die = fired, die
	return nil
}

// killed is the status of a program that a signal killed, as shells have it.
const killed = 128 + int(syscall.SIGKILL)

// die ends this process as kill -9 does.
func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	os.Exit(killed) // the kernel spares the first process of a container
}
