package confine

import (
	"strconv"
	"syscall"
	"unsafe"
)

// Supported says whether this system can restrict a process.
const Supported = true

// init is the whole life of a process that is there to restrict itself. All of
// init runs on the process's first thread, which is the one that executes the
// program, so that what the kernel keeps by thread is the program's.
func init() {
	if args := ownCommand(); len(args) > 0 && args[0] == word {
		become(args[1:])
	}
}

// ownCommand is this process's command if it begins with word; else it has no
// words, or others. There is no os.Args yet.
func ownCommand() []string {
	fd, err := syscall.Open("/proc/self/cmdline", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer func() { _ = syscall.Close(fd) }()
	text := make([]byte, 4<<10)
	have := 0
	for {
		n, err := syscall.Read(fd, text[have:])
		if n <= 0 || err != nil {
			break
		}
		if have += n; have < len(word) || string(text[:len(word)]) != word {
			return nil
		}
		if have == len(text) {
			text = append(text, make([]byte, len(text))...)
		}
	}
	var words []string
	for rest := string(text[:have]); rest != ""; {
		first, after := cut(rest, 0)
		words, rest = append(words, first), after
	}
	return words
}

// cut parts a text at the first separator. The package that has this waits for
// others' init.
func cut(text string, sep byte) (before, after string) {
	for i := range len(text) {
		if text[i] == sep {
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}

// steps are the ways to restrict a process, by name. Each is done where it
// stands in the command.
var steps = map[string]func(value string) error{
	"join":         join,
	"rlimit":       setRlimit,
	"umask":        setUmask,
	"bounds":       dropBounds,
	"uid":          setUID,
	"unprivileged": dropPrivileges,
	"ruleset":      setRuleset,
}

// become does what the words say and does not return.
func become(words []string) {
	report := -1
	fail := func(what string, err error) {
		text := what + ": " + err.Error()
		_, _ = syscall.Write(report, []byte(text))
		syscall.Exit(126)
	}
	parent := syscall.Getppid()
	for i, w := range words {
		name, value := cut(w, '=')
		switch name {
		case "report":
			report, _ = strconv.Atoi(value)
			closeLater(report)
		case "execute":
			rearm(parent)
			err := syscall.Exec(value, words[i+1:], syscall.Environ()) //nolint:gosec // the command of the one who started this
			fail("cannot execute "+value, err)
		default:
			step, ok := steps[name]
			if !ok {
				fail("cannot restrict the process by "+name, syscall.EINVAL)
			}
			if err := step(value); err != nil {
				fail("cannot restrict the process by "+w, err)
			}
		}
	}
	syscall.Exit(126)
}

// System calls and their arguments that package syscall has no names for.
const (
	sysCloseRange        = 436
	sysLandlockRestrict  = 446
	closeRangeCloexec    = 4
	prSetPdeathsig       = 1
	prCapbsetDrop        = 24
	prSetNoNewPrivs      = 38
	prCapAmbient         = 47
	prCapAmbientClearAll = 4
	capabilityVersion3   = 0x20080522
	mostCapabilities     = 63
)

func prctl(option, a, b uintptr) error {
	return raw(syscall.SYS_PRCTL, option, a, b)
}

func raw(call, a, b, c uintptr) error {
	if _, _, errno := syscall.RawSyscall6(call, a, b, c, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// closeLater has the descriptors from report on close when the program begins.
// Those before it are what the program is to find.
func closeLater(report int) {
	if raw(sysCloseRange, uintptr(report), uintptr(^uint32(0)), closeRangeCloexec) != nil {
		syscall.CloseOnExec(report)
	}
}

// rearm ties the process's life to its parent's again: the kernel unties it
// when the user changes.
func rearm(parent int) {
	_ = prctl(prSetPdeathsig, uintptr(syscall.SIGKILL), 0)
	if syscall.Getppid() != parent {
		syscall.Exit(126) // it died in between
	}
}

// join makes the process one of a control group.
func join(value string) error {
	fd, err := strconv.Atoi(value)
	if err != nil {
		return err
	}
	_, err = syscall.Write(fd, []byte("0"))
	return err
}

func setRlimit(value string) error {
	resource, bounds := cut(value, ',')
	soft, hard := cut(bounds, ',')
	r, err := strconv.Atoi(resource)
	if err != nil {
		return err
	}
	var l struct{ soft, hard uint64 }
	if l.soft, err = strconv.ParseUint(soft, 10, 64); err != nil {
		return err
	}
	if l.hard, err = strconv.ParseUint(hard, 10, 64); err != nil {
		return err
	}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, 0, uintptr(r), uintptr(unsafe.Pointer(&l)), 0, 0, 0) //nolint:gosec // for one system call
	if errno != 0 {
		return errno
	}
	return nil
}

func setUmask(value string) error {
	mask, err := strconv.Atoi(value)
	if err == nil {
		syscall.Umask(mask)
	}
	return err
}

// dropBounds empties the set of capabilities that the process, or one that it
// executes, can ever have. It takes a capability, and what it guards against
// is ruled out by dropPrivileges too: so it is done where it can be.
func dropBounds(string) error {
	for c := uintptr(0); c <= mostCapabilities; c++ {
		_ = prctl(prCapbsetDrop, c, 0)
	}
	return nil
}

// setUID makes the process another user's. The raw calls change this thread
// alone, which is the one that the program goes on with.
func setUID(value string) error {
	id, err := strconv.Atoi(value)
	if err != nil {
		return err
	}
	if err := raw(syscall.SYS_SETGROUPS, 0, 0, 0); err != nil {
		return err
	}
	if err := raw(syscall.SYS_SETRESGID, uintptr(id), uintptr(id), uintptr(id)); err != nil {
		return err
	}
	return raw(syscall.SYS_SETRESUID, uintptr(id), uintptr(id), uintptr(id))
}

// dropPrivileges gives all capabilities up and rules out new ones.
func dropPrivileges(string) error {
	if err := prctl(prSetNoNewPrivs, 1, 0); err != nil {
		return err
	}
	_ = prctl(prCapAmbient, prCapAmbientClearAll, 0) // none in kernels that have no such set
	header := struct {
		version uint32
		pid     int32
	}{version: capabilityVersion3}
	var none [2]struct{ effective, permitted, inheritable uint32 }
	return raw(syscall.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none)), 0) //nolint:gosec // for one system call
}

func setRuleset(value string) error {
	fd, err := strconv.Atoi(value)
	if err != nil {
		return err
	}
	return raw(sysLandlockRestrict, uintptr(fd), 0, 0)
}
