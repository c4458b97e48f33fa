package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// What an agent exchanges with links all the while, as it is captured, is never
// taken for its own: neither what symbolic links lead to, nor, where it has a user
// of its own, another user's file that has a name in its directory.
func TestTakeRaces(t *testing.T) {
	const nobody = 65534
	dir := t.TempDir()
	w, c := opened(t, Run{Dir: filepath.Join(dir, "run")}, "a")
	const secret = "another's secret"
	write(t, dir+"/theirs/f", secret)
	var exchanged [][2]string
	// plant makes a pair of names for the agent's own and for a link to another's.
	plant := func(own, other string, link func(to, name string) error, to string) {
		write(t, w.Work+"/"+own, "own")
		if err := link(to, w.Work+"/"+other); err != nil {
			t.Fatal(err)
		}
		exchanged = append(exchanged, [2]string{w.Work + "/" + own, w.Work + "/" + other})
	}
	plant("link", "link.other", os.Symlink, dir+"/theirs/f")
	plant("into/f", "into.other", os.Symlink, dir+"/theirs")
	exchanged[1][0] = w.Work + "/into"
	if os.Geteuid() == 0 {
		for n := range 8 {
			plant(fmt.Sprint("hard-", n), fmt.Sprint("other-", n), os.Link, dir+"/theirs/f")
		}
		err := filepath.WalkDir(w.Work, func(path string, _ os.DirEntry, err error) error {
			if strings.HasPrefix(filepath.Base(path), "other-") {
				return err
			}
			return errors.Join(err, os.Lchown(path, nobody, nobody))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	over := make(chan struct{})
	wg.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-over:
				return
			default:
				pair := exchanged[n%len(exchanged)]
				_ = unix.Renameat2(unix.AT_FDCWD, pair[0], unix.AT_FDCWD, pair[1], unix.RENAME_EXCHANGE)
			}
		}
	})
	for tick := range 200 {
		take(t, c, tick, w)
	}
	close(over)
	wg.Wait()
	found := 0
	err := filepath.WalkDir(c.dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if found++; bytes.Equal(text, []byte(secret)) {
			t.Errorf("%s has what is another's", path)
		}
		return err
	})
	if err != nil || found == 0 {
		t.Errorf("%d files are kept, %v", found, err)
	}
}
