package supervisor

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// crews are the processes that a scribbler may start beside itself.
var crews = map[string]func(dir string){
	"alone": func(string) {},
	"with a child": func(dir string) {
		startScribbler("in-child", dir, "", nil)
	},
	"with a child elsewhere": func(dir string) {
		startScribbler("out-child", dir, "", &syscall.SysProcAttr{Setpgid: true})
	},
	"with an orphan": func(dir string) {
		cmd := exec.Command("/proc/self/exe", "agent", "scribble-abandon", dir)
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			panic(err)
		}
	},
}

// scribble DIR CREW NAME: writes all the while, in threads that each have a
// file of their own in DIR, and says so once it and its crew do.
func scribble(args []string) {
	const threads = 4
	dir, crew, name := args[0], args[1], args[2]
	if start := crews[crew]; start != nil {
		start(dir)
	}
	begun := make(chan struct{})
	for n := range threads {
		go func() {
			f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s-%d", name, n)))
			if err != nil {
				panic(err)
			}
			for i := 0; ; i++ {
				if _, err := fmt.Fprintln(f, i); err != nil {
					panic(err)
				}
				if i == 100 {
					begun <- struct{}{}
				}
				if i%1000 == 0 { // the file is not to fill the disk
					_, err := f.Seek(0, 0)
					if err != nil {
						panic(err)
					}
				}
			}
		}()
	}
	for range threads {
		<-begun
	}
	fmt.Println("scribbling")
	select {} // until it is killed
}

// startScribbler starts one and returns once it writes.
func startScribbler(name, dir, crew string, attr *syscall.SysProcAttr) {
	cmd := exec.Command("/proc/self/exe", "agent", "scribble", dir, crew, name)
	cmd.SysProcAttr, cmd.Stderr = attr, os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		_, err = bufio.NewReader(out).ReadString('\n')
	}
	if err != nil {
		panic(err)
	}
}
